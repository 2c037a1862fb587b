"""The differences between two studies: in which units, and what does not compare."""

import math
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from builders.study_pairs import add, copied_scores, values, write_params
from builders.synthetic_report import edit_scores, scores_path
from builders.synthetic_study import scores, spaces

from gfmn.reporting.study_diff.score_pairs import ScorePair, pair_scores, parameter_changes
from gfmn.reporting.study_diff.study_scores import read_study_scores


@pytest.fixture
def a(tmp_path: Path) -> Path:
    return copied_scores(tmp_path / "a")


@pytest.fixture
def b(a: Path) -> Path:
    """The same study again."""
    return Path(shutil.copytree(a, a.parent / "b"))


def paired(a: Path, b: Path, **options: Any) -> dict[tuple[str, str], ScorePair]:
    """The pairs by run and metric."""
    pairs = pair_scores(read_study_scores(str(a)), read_study_scores(str(b)), **options)
    return {(pair.run, pair.metric): pair for pair in pairs}


def test_difference_is_b_minus_a_with_a_verdict(a: Path, b: Path) -> None:
    edit_scores(b, "vgg16-lite2", add(-12.5))
    edit_scores(b, "vgg16-lite2", add(-0.1, "precision_lite2_5k"))
    pairs = paired(a, b)
    distance, precision = pairs["vgg16", "fd_lite2_5k"], pairs["vgg16", "precision_lite2_5k"]
    assert distance.difference == pytest.approx(-12.5) and distance.verdict == "better"
    assert precision.difference == pytest.approx(-0.1) and precision.verdict == "worse"
    assert pairs["encoder", "fd_lite2_5k"].verdict == "equal"
    assert distance.deviations is None  # of one seed


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
    assert pair.b is not None and pair.b.seeds == (0,) and pair.b.std is None
    assert pair.deviations == pytest.approx((pair.b.mean - before.mean()) / before.std())


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
    assert pair.a and pair.b and pair.difference is None and pair.verdict == ""
    assert reason in pair.reason


def test_other_numbers_of_images_are_paired_without_a_difference(a: Path, b: Path) -> None:
    def ten_times(record: dict[str, Any]) -> None:
        record["n_generated"] = 50000
        for seed in record["seeds"]:
            seed["scores"] = {"fd_lite2_50k": seed["scores"]["fd_lite2_5k"]}

    edit_scores(b, "vgg16-lite2", ten_times)
    pair = paired(a, b)["vgg16", "fd_lite2_5k / fd_lite2_50k"]
    assert pair.difference is None and "other n generated: 5,000 and 50,000" in pair.reason


def test_score_of_another_method_does_not_compare(a: Path, b: Path) -> None:
    def wider(record: dict[str, Any]) -> None:
        for seed in record["seeds"]:
            seed["scores"]["precision_lite2_5k"]["over"] = "k = 5"

    edit_scores(b, "vgg16-lite2", wider)
    reason = paired(a, b)["vgg16", "precision_lite2_5k"].reason
    assert reason == "other made over: k = 3 and k = 5"


def test_missing_score_names_its_reason(a: Path, b: Path) -> None:
    scores_path(b, "taps1-lite2").unlink()
    absent = paired(a, b)["taps1", "fd_lite2_5k"]
    reason = "not in B (not run: data set photos is not"
    assert absent.b is None and absent.reason.startswith(reason)


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
    studies = (read_study_scores(str(folder)) for folder in (a, b))
    assert parameter_changes(*studies)["taps1"] == {
        "steps": ("1,200", "3,000"),
        "sampling.count": ("5,000", "50,000"),
    }
