"""What every stage script shares: its names, its one-line errors, its exit codes."""

import errno
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gfmn.common import stage
from gfmn.common.errors import InputError, Stopped


def bad(name: str) -> None:
    raise InputError(f"{name}: expected 1, found 2")


def stopped() -> None:
    raise Stopped("train x: stopped by SIGTERM", 15)


def full() -> None:
    raise OSError(errno.ENOSPC, "No space", "a.npy")


def nothing() -> None:
    pass


@pytest.mark.parametrize(
    ("main", "words", "code"),
    [
        (bad, ["x"], "error: x: expected 1, found 2"),
        (bad, [], "error: train.py: expected the name of one entry, found []"),
        (bad, ["x", "y"], "error: train.py: expected the name of one entry, found ['x', 'y']"),
        (bad, ["train@x"], "error: x: expected 1, found 2"),
        (bad, ["studies/a/dvc.yaml:train@x"], "error: x: expected 1, found 2"),
        (
            bad,
            ["train@x:train@y"],
            "error: train.py: expected a name of a-z, 0-9, _ and -, found 'x:train@y'",
        ),
        (bad, ["train@"], "error: train.py: expected a name of a-z, 0-9, _ and -, found ''"),
        (bad, ["train@x'y"], 'error: train.py: expected a name of a-z, 0-9, _ and -, found "x\'y"'),
        (bad, ["x;ls"], "error: train.py: expected a name of a-z, 0-9, _ and -, found 'x;ls'"),
        (full, [], "error: train: a.npy: expected room and permission to write, found: No space"),
        (nothing, ["x"], "error: train.py: expected no name, found ['x']"),
        (stopped, [], 143),
    ],
)
def test_run_ends_with_one_line_or_128_plus_the_signal(
    main: object,
    words: list[str],
    code: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["stages/train.py", *words])
    with pytest.raises(SystemExit) as ended:
        stage.run(main)  # type: ignore[arg-type]
    assert ended.value.code == code
    printed = "train x: stopped by SIGTERM\n" if code == 143 else ""
    assert capsys.readouterr().err == printed


WAIT = """
import sys, time
from gfmn.common import stage
def wait(name):
    with stage.temporary_folder(stage.Path("scratch")):
        print("ready", flush=True)
        try:
            time.sleep(60)
        except Exception:  # as decoders are called
            print("taken for a broken image")
sys.argv = ["stages/report_all.py", "x"]
stage.run(wait)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_ends_any_stage_in_one_line_and_removes_its_folder(
    number: signal.Signals, tmp_path: Path
) -> None:
    words, pipe = [sys.executable, "-c", WAIT], subprocess.PIPE
    with subprocess.Popen(words, cwd=tmp_path, text=True, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        process.send_signal(number)
        output, errors = process.communicate()
    assert process.returncode == 128 + number and output == ""
    assert errors == f"report-all x: stopped by {number.name}\n"
    assert not [*(tmp_path / "scratch").glob("temporary-*")]


def test_second_run_of_a_stage_is_refused_while_the_first_runs(tmp_path: Path) -> None:
    words, pipe = [sys.executable, "-c", WAIT], subprocess.PIPE
    with subprocess.Popen(words, cwd=tmp_path, text=True, stdout=pipe, stderr=pipe) as first:
        assert first.stdout is not None and first.stdout.readline() == "ready\n"
        second = subprocess.run(words, cwd=tmp_path, text=True, capture_output=True)
        first.terminate()
    expected = "report-all-x: expected it not to be running yet"
    assert second.stderr == f"error: {expected}, found it running as process {first.pid}\n"
    assert second.returncode == 1
