"""The display of `gfmn run`: where it is, the gap, the time left, and warnings."""

import io
from pathlib import Path

import pytest

from gfmn.commands.display import Display, duration
from gfmn.study.forecast import Forecast


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def display(stream: io.StringIO, folder: Path, verbose: bool = False) -> Display:
    stages = ["check-params", "train@fast", "evaluate@fast-lite2"]
    forecast = Forecast(stages, {"train@fast": 3000}, {"evaluate@fast-lite2": 60})
    return Display(stream, folder, 12, forecast, {"fast": (0, 1)}, verbose)


def write_history(folder: Path, gaps: list[float]) -> None:
    path = folder / "reports/history/fast/seed-0.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = "".join(f"{10 * i}\t0\t0\t1\t{gap}\n" for i, gap in enumerate(gaps, start=1))
    path.write_text("step\timages\tlr\tloss\tgap\n" + rows)


LINES = (
    "Stage 'check-params' didn't change, skipping",
    "Running stage 'train@fast':",
    "> gfmn stage train 'fast'",
    "train fast seed 0: 300/1500 steps, 3/s, 400 s left, gap 0.4, loss 4043",
    "Updating lock file 'dvc.lock'",
)


def test_terminal_has_one_line_a_stage_with_gap_trend_and_time_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    write_history(tmp_path, [1 / i for i in range(1, 31)])
    shown = Terminal()
    shows = display(shown, tmp_path)
    for line in LINES:
        shows.take(line)
    shows.end()
    lines = shown.getvalue().split("\r\033[K")
    place = "stage 2 of 12: train fast"
    left = 400 + 1500 / 3 + 60  # this seed, the other one, the scores
    assert lines[1:] == [
        place,
        f"{place}  seed 0: gap 0.0333 falling, 300 of 1,500 updates, 3/s; "
        f"all: {duration(left)} left\n",
        f"{place}  done in 0 s\n",
    ]


def test_file_has_a_line_a_message_and_no_control_characters(tmp_path: Path) -> None:
    shown = io.StringIO()
    shows = display(shown, tmp_path)
    for line in LINES:
        shows.take(line)
    shows.end()
    assert [line.split("  ")[0] for line in shown.getvalue().splitlines()] == [
        "stage 2 of 12: train fast"
    ] * 3
    assert "\r" not in shown.getvalue() and "\033" not in shown.getvalue()


def test_warning_is_said_once_and_kept(tmp_path: Path) -> None:
    write_history(tmp_path, [0.9 / i for i in range(1, 31)] + [0.5] * 30)
    shown = io.StringIO()
    shows = display(shown, tmp_path)
    for line in (*LINES, LINES[3], LINES[3]):
        shows.take(line)
    warnings = [line for line in shown.getvalue().splitlines() if line.startswith("warning:")]
    assert [line.split(": ")[:3] for line in warnings] == [
        ["warning", "train fast seed 0", "the gap swings"],
        ["warning", "train fast seed 0", "the gap stalls"],
    ]
    assert len(shows.warnings["fast seed 0"]) == 2


def test_warning_of_a_stage_is_kept(tmp_path: Path) -> None:
    shown = io.StringIO()
    shows = display(shown, tmp_path)
    for line in (*LINES, "train fast: WARNING: all samples are alike; more steps may help"):
        shows.take(line)
    expected = "warning: train fast: all samples are alike; more steps may help"
    assert shown.getvalue().splitlines()[-1] == expected


def test_failure_gives_the_stages_own_reason(tmp_path: Path) -> None:
    shows = display(io.StringIO(), tmp_path)
    for line in (
        "Running stage 'train@fast':",
        "error: runs.fast: expected a finite loss, found others",
        "ERROR: failed to reproduce 'train@fast': failed to run: gfmn stage train",
    ):
        shows.take(line)
    shows.end(failed=True)
    assert shows.reason() == "runs.fast: expected a finite loss, found others"
    assert not shows.seconds


def test_verbose_is_what_dvc_says(tmp_path: Path) -> None:
    shown = io.StringIO()
    shows = display(shown, tmp_path, verbose=True)
    for line in LINES:
        shows.take(line)
    assert shown.getvalue().splitlines() == list(LINES)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (5000, "83 min"), (9000, "2.5 h")],
)
def test_duration_has_two_digits(seconds: float, text: str) -> None:
    assert duration(seconds) == text
