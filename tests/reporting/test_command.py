"""The command `gfmn compare`: the differences as text and as JSON."""

import argparse
import json
import shutil
from pathlib import Path

import pytest
from builders.study_pairs import copied_scores, values, write_params
from builders.synthetic_study import spaces

from gfmn.common.errors import InputError
from gfmn.reporting.command import add_arguments, run


@pytest.fixture
def a(tmp_path: Path) -> Path:
    return copied_scores(tmp_path / "a")


@pytest.fixture
def b(a: Path) -> Path:
    """The same study again."""
    return Path(shutil.copytree(a, a.parent / "b"))


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


def test_all_scores_are_shown_on_request(a: Path, b: Path) -> None:
    assert "memorised_pixel_1k → 0.5" in compare(a, b, "--all")
    assert "memorised" not in compare(a, b)
