"""What every stage script shares: its names, its one-line errors, its exit codes."""

import sys

import pytest

from gfmn.common import stage
from gfmn.common.errors import InputError, Stopped


def bad(name: str) -> None:
    raise InputError(f"{name}: expected 1, found 2")


def stopped() -> None:
    raise Stopped("train x: stopped by SIGTERM", 15)


def nothing() -> None:
    pass


@pytest.mark.parametrize(
    ("main", "words", "code"),
    [
        (bad, ["x"], "error: x: expected 1, found 2"),
        (bad, [], "error: train.py: expected the name of one entry, found []"),
        (bad, ["x", "y"], "error: train.py: expected the name of one entry, found ['x', 'y']"),
        (bad, ["x;ls"], "error: train.py: expected a name of a-z, 0-9, _ and -, found 'x;ls'"),
        (nothing, ["x"], "error: train.py: expected no name, found ['x']"),
        (stopped, [], 143),
    ],
)
def test_run_ends_with_one_line_or_128_plus_the_signal(
    main: object,
    words: list[str],
    code: object,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["stages/train.py", *words])
    with pytest.raises(SystemExit) as ended:
        stage.run(main)  # type: ignore[arg-type]
    assert ended.value.code == code
    printed = "train x: stopped by SIGTERM\n" if code == 143 else ""
    assert capsys.readouterr().err == printed
