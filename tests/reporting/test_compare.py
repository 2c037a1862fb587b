"""Two studies side by side: what differs, in which units, and what does not compare."""

import json
import math
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from builders.score_files import read_record, write_record
from builders.synthetic_study import REPORT, folder_of, scores, spaces
from ruamel.yaml import YAML

from gfmn.common.errors import InputError
from gfmn.reporting.command import main
from gfmn.reporting.differences import Pair, pairs, parameters
from gfmn.reporting.sides import read_side

Change = Callable[[dict[str, Any]], None]


def write_params(folder: Path, **changes: Any) -> None:
    """The synthetic study's parameters; `changes` of runs by name."""
    sections = spaces()
    for run, fields in changes.items():
        sections["runs"].setdefault(run, {})
        sections["runs"][run] |= fields
    params = sections | {"extractors": {}, "evaluators": {}, "report": REPORT}
    with (folder / "params.yaml").open("w") as file:
        YAML().dump(json.loads(json.dumps(params)), file)


@pytest.fixture
def a(tmp_path: Path) -> Path:
    """Scores and parameters of the synthetic study."""
    folder = tmp_path / "a"
    shutil.copytree(folder_of(False) / "data/scores", folder / "data/scores")
    write_params(folder)
    return folder


@pytest.fixture
def b(a: Path) -> Path:
    """The same study again."""
    return Path(shutil.copytree(a, a.parent / "b"))


def edit(folder: Path, name: str, change: Change) -> None:
    path = folder / f"data/scores/{name}.parquet"
    record = read_record(path)
    change(record)
    write_record(path, record)


def add(amount: float, metric: str = "fd_lite2_5k") -> Change:
    def change(record: dict[str, Any]) -> None:
        for seed in record["seeds"]:
            seed["scores"][metric]["value"] += amount

    return change


def found(a: Path, b: Path, **options: Any) -> dict[tuple[str, str], Pair]:
    return {(p.run, p.metric): p for p in pairs(read_side(str(a)), read_side(str(b)), **options)}


def values(folder: Path, run: str, metric: str) -> list[float]:
    record = read_record(folder / f"data/scores/{run}-lite2.parquet")
    return [seed["scores"][metric]["value"] for seed in record["seeds"]]


def test_a_difference_is_b_minus_a_and_says_which_way_b_went(a: Path, b: Path) -> None:
    edit(b, "vgg16-lite2", add(-12.5))
    edit(b, "vgg16-lite2", add(-0.1, "precision_lite2_5k"))
    rows = found(a, b)
    distance, precision = rows["vgg16", "fd_lite2_5k"], rows["vgg16", "precision_lite2_5k"]
    assert distance.difference == pytest.approx(-12.5) and distance.verdict == "better"
    assert precision.difference == pytest.approx(-0.1) and precision.verdict == "worse"
    assert rows["encoder", "fd_lite2_5k"].verdict == "equal"
    assert distance.deviations is None  # of one seed


def test_deviations_are_those_over_seeds_of_the_sides_that_have_several(a: Path, b: Path) -> None:
    def spread_out(record: dict[str, Any]) -> None:
        for i, seed in enumerate(record["seeds"]):
            seed["scores"]["fd_lite2_5k"]["value"] += 30 * i

    edit(b, "running-lite2", spread_out)
    pair = found(a, b)["running", "fd_lite2_5k"]
    before, after = (pd.Series(values(side, "running", "fd_lite2_5k")) for side in (a, b))
    scale = math.sqrt((before.var() + after.var()) / 2)
    assert pair.deviations == pytest.approx((after.mean() - before.mean()) / scale)
    edit(b, "running-lite2", lambda record: record.update(seeds=record["seeds"][:1]))
    pair = found(a, b)["running", "fd_lite2_5k"]
    assert pair.b is not None and pair.b.seeds == (0,) and pair.b.std is None
    assert pair.deviations == pytest.approx((pair.b.mean - before.mean()) / before.std())


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"evaluator_digest": "ef" * 32}, "other evaluator: cdcdcdcdcdcd and efefefefefef"),
        ({"n_reference": 50000}, "other n reference: 10,000 and 50,000"),
        ({"resizer": "bicubic to 64 px"}, "other resizer: antialiased bilinear to 64 px and bic"),
    ],
)
def test_scores_of_another_measure_stand_side_by_side_without_a_difference(
    a: Path, b: Path, change: dict[str, Any], why: str
) -> None:
    for path in (b / "data/scores").glob("*-lite2.parquet"):
        edit(b, path.stem, lambda record: record.update(change))
    pair = found(a, b)["vgg16", "fd_lite2_5k"]
    assert pair.a and pair.b and pair.difference is None and pair.verdict == ""
    assert why in pair.why


def test_another_number_of_images_is_paired_and_not_subtracted(a: Path, b: Path) -> None:
    def ten_times(record: dict[str, Any]) -> None:
        record["n_generated"] = 50000
        for seed in record["seeds"]:
            seed["scores"] = {"fd_lite2_50k": seed["scores"]["fd_lite2_5k"]}

    edit(b, "vgg16-lite2", ten_times)
    pair = found(a, b)["vgg16", "fd_lite2_5k / fd_lite2_50k"]
    assert pair.difference is None and "other n generated: 5,000 and 50,000" in pair.why


def test_a_score_that_was_made_otherwise_does_not_compare(a: Path, b: Path) -> None:
    def wider(record: dict[str, Any]) -> None:
        for seed in record["seeds"]:
            seed["scores"]["precision_lite2_5k"]["over"] = "k = 5"

    edit(b, "vgg16-lite2", wider)
    assert found(a, b)["vgg16", "precision_lite2_5k"].why == "other made over: k = 3 and k = 5"


def test_runs_of_one_side_and_missing_scores_are_named(
    a: Path, b: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_params(b, vgg16={"lr": 0.001, "taps": 3}, extra={"seeds": [0], "dataset": "photos"})
    (b / "data/scores/taps1-lite2.parquet").unlink()
    rows = found(a, b)
    absent = rows["taps1", "fd_lite2_5k"]
    assert absent.b is None and absent.why.startswith("not in B (not run: data set photos is not")
    main(["compare", str(a), str(b)])
    text = capsys.readouterr().out
    assert "Only in B: extra" in text and "Only in A" not in text
    assert "  vgg16: taps: all → 3; lr: 0.0002 → 0.001" in text
    line = next(line for line in text.splitlines() if line.startswith("running"))
    mean = sum(values(a, "running", "fd_lite2_5k")) / 3
    assert f"{mean:,.1f} ± " in line and "3 seeds" in line and "5,000 vs 10,000" in line
    assert "Evaluator lite2 (cdcdcdcdcdcd), data set photos" in text


def test_a_parameter_that_differs_in_every_run_is_said_once(
    a: Path, b: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = {run: {"steps": 3000} for run in spaces()["runs"]}
    write_params(b, **changes | {"ma64": {"steps": 3000, "batch": 32}})
    sides = (read_side(str(a)), read_side(str(b)))
    assert parameters(*sides)["taps1"] == {"steps": ("1,200", "3,000")}
    main(["compare", str(a), str(b)])
    text = capsys.readouterr().out
    assert text.count("steps: 1,200 → 3,000") == 1
    assert "  ma64: batch: 64 → 32" in text


def test_the_scores_shown_can_be_chosen(
    a: Path, b: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = {metric for _, metric in found(a, b)}
    assert "kd_lite2_5k" not in usual and "fd_lite2_inf" not in usual
    assert {"fd_lite2_5k", "score_own_5k", "recall_lite2_5k"} <= usual
    chosen = {metric for _, metric in found(a, b, wanted=("kd", "fd_lite2_inf"))}
    assert chosen == {"kd_lite2_5k", "kd_own_5k", "fd_lite2_inf"}
    every = {metric for _, metric in found(a, b, wanted=None)}
    assert every >= set(scores("lite2", 0, 0)) | set(scores("own", 0, 0)) | {"memorised_pixel_1k"}
    with pytest.raises(InputError, match="--scores: no 'precison'; did you mean"):
        main(["compare", str(a), str(b), "--scores", "fd,precison"])
    main(["compare", str(a), str(b), "--json", "--scores", "fd"])
    record = json.loads(capsys.readouterr().out)
    row = next(row for row in record["scores"] if row["run"] == "running")
    assert row["a"]["value"] == pytest.approx(sum(values(a, "running", "fd_lite2_5k")) / 3)
    assert row["difference"] == 0 and row["why"] is None and row["a"]["n_generated"] == 5000
    assert record["only_a"] == [] and record["parameters"]["vgg16"] == {}


def git(folder: Path, *words: str) -> str:
    who = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b.c"}
    who |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b.c"}
    environment = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(
        ["git", "-C", str(folder), *words], check=True, capture_output=True, env=environment
    )
    return done.stdout.decode().strip()


@pytest.fixture
def repository(a: Path) -> Path:
    """A repository with the study in a folder of it: its parameters and the file of all scores."""
    top = a.parent
    study = top / "studies/one"
    (study / "reports/tables").mkdir(parents=True)
    shutil.copy(a / "params.yaml", study)
    read_side(str(a)).scores.to_parquet(study / "reports/tables/scores.parquet", index=False)
    git(top, "init", "-q")
    git(top, "add", "studies")
    git(top, "commit", "-q", "-m", "one")
    return study


def test_a_revision_is_read_from_git_and_an_experiment_by_its_name(
    a: Path, repository: Path
) -> None:
    folder, file = repository, repository / "reports/tables/scores.parquet"
    frame = pd.read_parquet(file)
    rows = (frame["run"] == "vgg16") & (frame["metric"] == "fd_lite2_5k")
    frame.loc[rows, "value"] += 7.0
    frame.to_parquet(file, index=False)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "two")
    git(folder, "update-ref", "refs/exps/ab/cdef/puffy-daks", "HEAD")
    git(folder, "reset", "-q", "--hard", "HEAD~1")
    for revision in ("puffy-daks", git(folder, "rev-parse", "refs/exps/ab/cdef/puffy-daks")):
        other = read_side(f"{folder}@{revision}")
        changed = {p.run: p.difference for p in pairs(read_side(str(a)), other) if p.difference}
        assert changed == {"vgg16": pytest.approx(7.0)}
    assert all(not p.difference for p in pairs(read_side(f"{folder}@HEAD"), read_side(str(folder))))


def test_an_older_file_of_scores_still_compares(a: Path, repository: Path) -> None:
    file = repository / "reports/tables/scores.parquet"
    frame = pd.read_parquet(file)
    frame.loc[:, :"in_domain"].to_parquet(file, index=False)  # type: ignore[misc]
    side = read_side(str(repository))
    assert list(side.scores) and side.scores["sampling_seed"].isna().all()
    assert found(a, repository)["vgg16", "fd_lite2_5k"].verdict == "equal"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("{a}/none", "expected a study's folder with params.yaml, found none"),
        ("{study}@nowhere", "expected a revision or an experiment after '@', found neither"),
        ("{study}@--help", "expected a revision or an experiment after '@', found neither"),
        ("{a}/none@HEAD", "expected a folder before '@', found none"),
        ("{top}@HEAD", "expected params.yaml at that revision, found none"),
    ],
)
def test_a_side_that_cannot_be_read_is_one_line(
    a: Path, repository: Path, words: str, said: str
) -> None:
    asked = words.format(a=a, study=repository, top=repository.parent)
    with pytest.raises(InputError) as caught:
        read_side(asked)
    assert str(caught.value) == f"{asked}: {said}"


def test_a_study_without_scores_is_one_line(a: Path, tmp_path: Path) -> None:
    shutil.rmtree(a / "data")
    with pytest.raises(InputError, match=r"a: expected scores in data/scores or reports/tables/"):
        read_side(str(a))
    file = a / "reports/tables/scores.parquet"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"no table")
    with pytest.raises(InputError, match=r"scores\.parquet: expected parquet, found another or"):
        read_side(str(a))
    pd.DataFrame({"run": ["x"]}).to_parquet(file)
    with pytest.raises(InputError, match=r"scores\.parquet: expected a column 'seed', found run"):
        read_side(str(a))
    (a / "params.yaml").write_text("runs: [")
    with pytest.raises(InputError, match=r"params\.yaml: expected YAML"):
        read_side(str(a))
