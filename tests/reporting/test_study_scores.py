"""One of two compared studies: a folder, or a revision in its git repository."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
from builders.study_pairs import committed_study, copied_scores, git

from gfmn.common.errors import InputError
from gfmn.reporting.study_diff.score_pairs import pair_scores
from gfmn.reporting.study_diff.study_scores import read_study_scores

SCORES = "reports/tables/scores.parquet"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return copied_scores(tmp_path / "a")


@pytest.fixture
def committed(study: Path) -> Path:
    return committed_study(study)


def test_revision_is_read_from_git_and_experiment_by_name(study: Path, committed: Path) -> None:
    file = committed / SCORES
    frame = pd.read_parquet(file)
    rows = (frame["run"] == "vgg16") & (frame["metric"] == "fd_lite2_5k")
    frame.loc[rows, "value"] += 7.0
    frame.to_parquet(file, index=False)
    git(committed, "add", ".")
    git(committed, "commit", "-q", "-m", "two")
    git(committed, "update-ref", "refs/exps/ab/cdef/puffy-daks", "HEAD")
    git(committed, "reset", "-q", "--hard", "HEAD~1")
    a = read_study_scores(str(study))
    for revision in ("puffy-daks", git(committed, "rev-parse", "refs/exps/ab/cdef/puffy-daks")):
        pairs = pair_scores(a, read_study_scores(f"{committed}@{revision}"))
        changed = {pair.run: pair.difference for pair in pairs if pair.difference}
        assert changed == {"vgg16": pytest.approx(7.0)}
    head, folder = read_study_scores(f"{committed}@HEAD"), read_study_scores(str(committed))
    assert all(not pair.difference for pair in pair_scores(head, folder))


def test_file_of_an_older_version_compares(study: Path, committed: Path) -> None:
    file = committed / SCORES
    frame = pd.read_parquet(file)
    frame.loc[:, :"in_domain"].to_parquet(file, index=False)  # type: ignore[misc]
    older = read_study_scores(str(committed))
    assert list(older.scores) and older.scores["sampling_seed"].isna().all()
    pairs = pair_scores(read_study_scores(str(study)), older)
    verdicts = {(pair.run, pair.metric): pair.verdict for pair in pairs}
    assert verdicts["vgg16", "fd_lite2_5k"] == "equal"


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("{study}/none", "expected a study's folder with params.yaml, found none"),
        ("{folder}@nowhere", "expected a revision or an experiment after '@', found neither"),
        ("{folder}@--help", "expected a revision or an experiment after '@', found neither"),
        ("{study}/none@HEAD", "expected a folder before '@', found none"),
        ("{repository}@HEAD", "expected params.yaml at that revision, found none"),
    ],
)
def test_study_that_cannot_be_read_is_one_line(
    study: Path, committed: Path, label: str, message: str
) -> None:
    label = label.format(study=study, folder=committed, repository=study.parent)
    with pytest.raises(InputError) as caught:
        read_study_scores(label)
    assert str(caught.value) == f"{label}: {message}"


def test_study_without_scores_is_one_line(study: Path) -> None:
    shutil.rmtree(study / "data")
    with pytest.raises(InputError, match=r"a: expected scores in data/scores or reports/tables/"):
        read_study_scores(str(study))
    file = study / SCORES
    file.parent.mkdir(parents=True)
    file.write_bytes(b"no table")
    with pytest.raises(InputError, match=r"scores\.parquet: expected parquet, found another or"):
        read_study_scores(str(study))
    pd.DataFrame({"run": ["x"]}).to_parquet(file)
    with pytest.raises(InputError, match=r"scores\.parquet: expected a column 'seed', found run"):
        read_study_scores(str(study))
    (study / "params.yaml").write_text("runs: [")
    with pytest.raises(InputError, match=r"params\.yaml: expected YAML"):
        read_study_scores(str(study))
