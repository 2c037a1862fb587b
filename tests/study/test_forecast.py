"""The time that is left: from what has been seen, never negative, falling steadily."""

import itertools
import json
from pathlib import Path

import pytest

from gfmn.study.forecast import SECONDS, Forecast, known

AMOUNTS = {"train@a": 1000.0, "train@b": 3000.0, "sample@a": 100.0, "sample@b": 100.0}


def test_nothing_is_said_before_the_speed_of_training_is_known() -> None:
    forecast = Forecast(["prepare@x", "train@a"], AMOUNTS, {})
    forecast.start("prepare@x")
    assert forecast.left(0, 0) is None


def test_training_under_way_tells_of_those_to_come() -> None:
    forecast = Forecast(["train@a", "train@b"], AMOUNTS, {})
    forecast.start("train@a")
    forecast.advance(rate=10, left=50)
    assert forecast.left(50, 50) == 50 + 3000 / 10


def test_further_seeds_of_a_run_take_as_long() -> None:
    forecast = Forecast(["train@a"], {"train@a": 300.0}, {})
    forecast.start("train@a")
    forecast.advance(rate=10, left=5, units_after=200)
    assert forecast.left(5, 5) == 5 + 200 / 10


def test_stage_that_is_done_tells_of_its_kind_by_their_work() -> None:
    forecast = Forecast(["sample@a", "sample@b"], {"sample@a": 100, "sample@b": 300}, {})
    forecast.start("sample@a")
    forecast.finish("sample@a", 20)
    assert forecast.left(0, 20) == 60


def test_stages_that_were_up_to_date_tell_nothing_and_are_not_waited_for() -> None:
    forecast = Forecast(["reference@a", "reference@b"], {}, {})
    forecast.finish("reference@a", 0)
    assert forecast.left(0, 0) == SECONDS["reference"]


def test_time_left_is_never_negative_and_falls_steadily() -> None:
    forecast = Forecast(["train@a", "reference@a"], {"train@a": 100.0}, {"train@a": 50.0})
    shown = [forecast.left(0, 0)]
    forecast.start("train@a")
    for second in range(1, 51):
        jitter = 1.05 if second % 2 else 0.95
        forecast.advance(rate=2, left=(50 - second) * jitter)
        shown.append(forecast.left(second, second))
    forecast.finish("train@a", 50)
    forecast.start("reference@a")
    shown += [forecast.left(second, 50 + second) for second in range(1, 200)]
    values = [value for value in shown if value is not None]
    assert len(values) == len(shown) and min(values) == 0
    assert all(later <= earlier for earlier, later in itertools.pairwise(values))


def test_earlier_runs_count_by_their_speed_and_estimates_where_there_are_none(
    tmp_path: Path,
) -> None:
    (tmp_path / "data/timings").mkdir(parents=True)
    timings = {
        "train-a": {"seconds": 100, "steps_per_second": 5},
        "extract-stats-x-y-eval": {"seconds": 30},
    }
    for name, timing in timings.items():
        (tmp_path / f"data/timings/{name}.json").write_text(json.dumps(timing))
    stages = {"train@a": 1.0, "evaluate@a": 40.0, "train@b": 100.0}
    estimate = {"stages": stages, "work": {"train@b": 500}}
    (tmp_path / "data/estimate.json").write_text(json.dumps(estimate))
    found = known(tmp_path, {"train@a": 1000, "train@b": 50})
    assert found == {
        "train@a": pytest.approx(200),  # of more updates than the run had then
        "extract-stats@x-y-eval": 30,
        "evaluate@a": 40,
        "train@b": 10,  # of fewer updates than were estimated
    }
