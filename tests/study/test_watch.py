"""A history is judged by its gap: what falls is right, what stalls, swings or collapses is said."""

import math
from pathlib import Path

import numpy as np
import pytest
from builders.project import ROOT

from gfmn.study.watch import FEWEST, Row, judge, read_history, read_rows, trend, warnings


def rows(gaps: list[float]) -> list[Row]:
    return [Row(10 * i, 100.0, gap) for i, gap in enumerate(gaps, start=1)]


def falling(count: int, noise: float = 0.02) -> list[float]:
    rng = np.random.default_rng(0)
    return [0.1 + 0.9 * math.exp(-4 * i / count) + noise * rng.normal() / 2 for i in range(count)]


@pytest.mark.parametrize("count", [30, 150, 600])
def test_gap_that_falls_warns_of_nothing_while_it_does(count: int) -> None:
    history = rows(falling(count))
    assert all(not warnings(history[:n]) for n in range(count + 1))
    assert trend(history[: count // 2]) == "falling"


def test_gap_that_stays_stalls() -> None:
    history = rows([*falling(60), *[0.12] * 60])
    assert [one.kind for one in warnings(history)] == ["stalls"]
    assert warnings(history)[0].step == history[80].step  # the beginning of the last third
    assert trend(history) == "level"


def test_gap_that_rises_swings_and_the_step_is_named() -> None:
    history = rows([*falling(60), *np.linspace(0.12, 0.5, 40)])
    swing = warnings(history)[0]
    assert swing.kind == "swings" and 610 < swing.step < 800
    assert trend(history) == "rising"
    late = rows([*falling(60), *np.linspace(0.12, 0.5, 40), *falling(60)[10:]])
    later = warnings(late)[0]  # what has been said stays; the average is a little wider
    assert later.kind == "swings" and abs(later.step - swing.step) <= 20


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_gap_or_loss_that_is_not_finite_collapses_at_once(bad: float) -> None:
    for history in (rows([0.9, bad, 0.8]), [Row(1, 1.0, 0.5), Row(2, bad, 0.5)]):
        (warning,) = warnings(history)
        assert warning.kind == "collapses" and warning.step == history[1].step


def test_gap_far_above_the_start_collapses() -> None:
    assert warnings(rows([*falling(40), *[8.0] * 20]))[0].kind == "collapses"


def test_few_rows_are_not_judged() -> None:
    assert not warnings(rows([0.5] * (FEWEST - 1))) and warnings(rows([0.5] * FEWEST))
    assert trend(rows([0.5])) == ""


def test_of_the_default_study_momentum_alone_swings() -> None:
    swings, others = set(), set()
    for path in sorted((ROOT / "reports/history").glob("*/seed-*.tsv")):
        found = {warning.kind for warning in warnings(read_rows(path))}
        (swings if "swings" in found else others).add(path.parent.name)
        assert path.parent.name == "momentum" or found <= {"stalls"}, path
    assert swings <= {"momentum"} and others


def test_row_that_is_being_written_is_left_for_later(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("step\tloss\tgap\n10\t5\t0.5\n20\t3\t0.")
    assert read_history(tmp_path / "a.tsv") == [(10, {"loss": 5, "gap": 0.5})]
    assert read_rows(tmp_path / "a.tsv") == [Row(10, 5, 0.5)]
    (tmp_path / "b.tsv").write_text("step\tloss\n10\t5\n")
    assert not read_rows(tmp_path / "b.tsv") and not read_rows(tmp_path / "none.tsv")


@pytest.mark.parametrize(
    ("diversities", "kind"),
    [
        ([0.5] * 40, None),
        ([0.9, 1.1] * 20, None),
        ([0.8] * 30 + [0.02] * 10, "collapses"),
        ([0.8] * 30 + [0.3] * 10, "swings"),
        ([0.8] * (FEWEST - 11) + [0.02] * 10, None),  # too few rows to judge
        ([0.8, float("nan")], "collapses"),
    ],
)
def test_baseline_is_judged_by_how_its_samples_differ(
    diversities: list[float], kind: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "a.tsv"
    rows = "".join(f"{10 * i}\t0\t0\t-3\t2\t{d}\n" for i, d in enumerate(diversities, start=1))
    path.write_text("step\timages\tlr\tloss\tcritic\tdiversity\n" + rows)
    judged = judge(path)
    assert judged.subject == "diversity"
    assert [one.kind for one in judged.warnings] == ([kind] if kind else [])


def test_run_is_judged_by_its_gap(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("step\timages\tlr\tloss\tgap\n10\t1\t1\t5\t0.5\n")
    assert judge(path)[:2] == ("gap", 0.5)
    assert judge(tmp_path / "none.tsv").latest is None
