"""The differences between two studies: which scores compare, in which units, and as text."""

import argparse
import json
import math
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from builders.study_pairs import add, committed_study, copied_scores, git, values, write_params
from builders.synthetic_report import edit_scores, scores_path
from builders.synthetic_study import scores, spaces

from gfmn.common.errors import InputError
from gfmn.reporting.compare import add_arguments, pair_scores, parameter_changes, run
from gfmn.reporting.compared_study import read_compared


@pytest.fixture
def a(tmp_path: Path) -> Path:
    return copied_scores(tmp_path / "a")


@pytest.fixture
def b(a: Path) -> Path:
    """The same study again."""
    return Path(shutil.copytree(a, a.parent / "b"))


def paired(a: Path, b: Path, **options: Any) -> dict[tuple[str, str], Any]:
    """The pairs by run and metric."""
    pairs = pair_scores(read_compared(str(a)), read_compared(str(b)), **options)
    return {(pair["run"], pair["metric"]): pair for _, pair in pairs.iterrows()}


def test_difference_is_b_minus_a_with_a_verdict(a: Path, b: Path) -> None:
    edit_scores(b, "vgg16-lite2", add(-12.5))
    edit_scores(b, "vgg16-lite2", add(-0.1, "precision_lite2_5k"))
    pairs = paired(a, b)
    distance, precision = pairs["vgg16", "fd_lite2_5k"], pairs["vgg16", "precision_lite2_5k"]
    assert distance.difference == pytest.approx(-12.5) and distance.verdict == "better"
    assert precision.difference == pytest.approx(-0.1) and precision.verdict == "worse"
    assert pairs["encoder", "fd_lite2_5k"].verdict == "equal"
    assert pd.isna(distance.deviations)  # of one seed


def test_deviations_are_those_over_seeds(a: Path, b: Path) -> None:
    def spread_out(record: dict[str, Any]) -> None:
        for i, seed in enumerate(record["seeds"]):
            seed["scores"]["fd_lite2_5k"]["value"] += 30 * i

    run, metric = "moment_matching", "fd_lite2_5k"
    edit_scores(b, f"{run}-lite2", spread_out)
    pair = paired(a, b)[run, metric]
    before, after = (pd.Series(values(folder, run, metric)) for folder in (a, b))
    scale = math.sqrt((before.var() + after.var()) / 2)
    assert pair.deviations == pytest.approx((after.mean() - before.mean()) / scale)
    edit_scores(b, f"{run}-lite2", lambda record: record.update(seeds=record["seeds"][:1]))
    pair = paired(a, b)[run, metric]
    assert pair.seeds_b == [0] and pd.isna(pair.std_b)
    assert pair.deviations == pytest.approx((pair.value_b - before.mean()) / before.std())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"evaluator_digest": "ef" * 32}, "other evaluator: cdcdcdcdcdcd and efefefefefef"),
        ({"n_reference": 50000}, "other n reference: 10,000 and 50,000"),
        ({"resizer": "bicubic to 64 px"}, "other resizer: antialiased bilinear to 64 px and bic"),
    ],
)
def test_scores_of_another_measure_have_no_difference(
    a: Path, b: Path, change: dict[str, Any], reason: str
) -> None:
    for path in (b / "data/scores").glob("*-lite2.*"):
        edit_scores(b, path.stem, lambda record: record.update(change))
    pair = paired(a, b)["vgg16", "fd_lite2_5k"]
    assert pair.value_a and pair.value_b and pd.isna(pair.difference) and pair.verdict == ""
    assert reason in pair.reason


def test_other_numbers_of_images_are_paired_without_a_difference(a: Path, b: Path) -> None:
    def ten_times(record: dict[str, Any]) -> None:
        record["n_generated"] = 50000
        for seed in record["seeds"]:
            seed["scores"] = {"fd_lite2_50k": seed["scores"]["fd_lite2_5k"]}

    edit_scores(b, "vgg16-lite2", ten_times)
    pair = paired(a, b)["vgg16", "fd_lite2_5k / fd_lite2_50k"]
    assert pd.isna(pair.difference) and "other n generated: 5,000 and 50,000" in pair.reason


def test_missing_score_names_its_reason(a: Path, b: Path) -> None:
    scores_path(b, "taps1-lite2").unlink()
    absent = paired(a, b)["taps1", "fd_lite2_5k"]
    reason = "not in B (not run: data set photos is not"
    assert pd.isna(absent.value_b) and absent.reason.startswith(reason)


def test_scores_can_be_chosen_by_kind_and_name(a: Path, b: Path) -> None:
    usual = {metric for _, metric in paired(a, b)}
    assert "kd_lite2_5k" not in usual and "fd_lite2_inf" not in usual
    assert {"fd_lite2_5k", "score_own_5k", "recall_lite2_5k"} <= usual
    chosen = {metric for _, metric in paired(a, b, wanted=("kd", "fd_lite2_inf"))}
    assert chosen == {"kd_lite2_5k", "kd_own_5k", "fd_lite2_inf"}
    every = {metric for _, metric in paired(a, b, wanted=None)}
    assert every >= set(scores("lite2", 0, 0)) | set(scores("own", 0, 0)) | {"memorised_pixel_1k"}


def test_parameters_differ_by_run_and_for_the_whole_study(a: Path, b: Path) -> None:
    write_params(b, **{run: {"steps": 3000} for run in spaces()["runs"]})
    for folder, count in ((a, 5000), (b, 50000)):
        with (folder / "params.yaml").open("a") as file:
            file.write(f"sampling: {{count: {count}, seed: 0}}\n")
    studies = (read_compared(str(folder)) for folder in (a, b))
    assert parameter_changes(*studies)["taps1"] == {
        "steps": ("1,200", "3,000"),
        "sampling.count": ("5,000", "50,000"),
    }


def compare(*arguments: Path | str) -> str:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return run(parser.parse_args([str(argument) for argument in arguments]))


def test_text_has_scores_parameters_and_runs_of_one_study(a: Path, b: Path) -> None:
    write_params(b, vgg16={"lr": 0.001, "taps": 3}, extra={"seeds": [0], "dataset": "photos"})
    text = compare(a, b)
    assert "Only in B: extra" in text and "Only in A" not in text
    assert "  vgg16: taps: all → 3; lr: 0.0002 → 0.001" in text
    line = next(line for line in text.splitlines() if line.startswith("moment_matching"))
    mean = sum(values(a, "moment_matching", "fd_lite2_5k")) / 3
    assert f"{mean:,.1f} ± " in line and "3 seeds" in line and "5,000 vs 10,000" in line
    assert "fd_lite2_5k ↓" in line
    assert "Evaluator lite2 (cdcdcdcdcdcd), data set photos" in text


def test_parameter_that_differs_in_every_run_is_listed_once(a: Path, b: Path) -> None:
    changes = {name: {"steps": 3000} for name in spaces()["runs"]}
    write_params(b, **changes | {"ma64": {"steps": 3000, "batch": 32}})
    text = compare(a, b)
    assert text.count("steps: 1,200 → 3,000") == 1
    assert "  ma64: batch: 64 → 32" in text


def test_unknown_score_is_refused(a: Path, b: Path) -> None:
    with pytest.raises(InputError, match="--scores: no 'precison'; did you mean"):
        compare(a, b, "--scores", "fd,precison")


def test_json_has_the_values_and_what_they_are_of(a: Path, b: Path) -> None:
    record = json.loads(compare(a, b, "--json", "--scores", "fd"))
    row = next(row for row in record["scores"] if row["run"] == "moment_matching")
    expected = sum(values(a, "moment_matching", "fd_lite2_5k")) / 3
    assert row["a"]["value"] == pytest.approx(expected)
    assert row["difference"] == 0 and row["why"] is None and row["a"]["n_generated"] == 5000
    assert record["only_a"] == [] and record["parameters"]["vgg16"] == {}


SCORES = "reports/tables/scores.parquet"


@pytest.fixture
def committed(a: Path) -> Path:
    return committed_study(a)


def test_revision_is_read_from_git_and_experiment_by_name(a: Path, committed: Path) -> None:
    file = committed / SCORES
    frame = pd.read_parquet(file)
    rows = (frame["run"] == "vgg16") & (frame["metric"] == "fd_lite2_5k")
    frame.loc[rows, "value"] += 7.0
    frame.to_parquet(file, index=False)
    git(committed, "add", ".")
    git(committed, "commit", "-q", "-m", "two")
    git(committed, "update-ref", "refs/exps/ab/cdef/puffy-daks", "HEAD")
    git(committed, "reset", "-q", "--hard", "HEAD~1")
    before = read_compared(str(a))
    for revision in ("puffy-daks", git(committed, "rev-parse", "refs/exps/ab/cdef/puffy-daks")):
        pairs = pair_scores(before, read_compared(f"{committed}@{revision}"))
        changed = {
            pair["run"]: pair["difference"] for _, pair in pairs.iterrows() if pair["difference"]
        }
        assert changed == {"vgg16": pytest.approx(7.0)}
    head, folder = read_compared(f"{committed}@HEAD"), read_compared(str(committed))
    assert (pair_scores(head, folder)["difference"] == 0).all()


def test_file_of_an_older_version_compares(a: Path, committed: Path) -> None:
    file = committed / SCORES
    frame = pd.read_parquet(file)
    frame.loc[:, :"in_domain"].to_parquet(file, index=False)  # type: ignore[misc]
    older = read_compared(str(committed))
    assert list(older.scores) and older.scores["sampling_seed"].isna().all()
    pairs = pair_scores(read_compared(str(a)), older)
    verdicts = pairs.set_index(["run", "metric"])["verdict"]
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
    a: Path, committed: Path, label: str, message: str
) -> None:
    label = label.format(study=a, folder=committed, repository=a.parent)
    with pytest.raises(InputError) as caught:
        read_compared(label)
    assert str(caught.value) == f"{label}: {message}"


def test_study_without_scores_is_one_line(a: Path) -> None:
    shutil.rmtree(a / "data")
    with pytest.raises(InputError, match=r"a: expected scores in data/scores or reports/tables/"):
        read_compared(str(a))
    file = a / SCORES
    file.parent.mkdir(parents=True)
    file.write_bytes(b"no table")
    with pytest.raises(InputError, match=r"scores\.parquet: expected parquet, found another or"):
        read_compared(str(a))
    pd.DataFrame({"run": ["x"]}).to_parquet(file)
    with pytest.raises(InputError, match=r"scores\.parquet: expected a column 'seed', found run"):
        read_compared(str(a))
    (a / "params.yaml").write_text("runs: [")
    with pytest.raises(InputError, match=r"params\.yaml: expected YAML"):
        read_compared(str(a))
