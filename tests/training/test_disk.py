"""A scratch folder without room: the run goes on, says so once, and leaves the same bytes."""

import subprocess
from pathlib import Path

import pytest
from builders.loop import digests, start
from builders.training import config


@pytest.mark.parametrize("state", ["full", "read-only"])
def test_run_without_room_for_checkpoints_ends_in_the_same_bytes(
    state: str, tmp_path: Path, tmpfs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = config(steps=6, log_every=3, grid_every=2, snapshots=2)
    whole = tmp_path / "whole"
    start(whole, settings).train()
    if state == "full":
        (tmpfs / "filler").write_bytes(bytes(190_000))
    else:
        subprocess.run(["mount", "-o", "remount,ro", tmpfs], check=True)
    short = tmp_path / "short"
    short.mkdir()
    (short / "scratch").symlink_to(tmpfs)
    capsys.readouterr()
    start(short, settings, save_every=0).train()
    assert digests(short) == digests(whole)
    lines = [line for line in capsys.readouterr().err.splitlines() if "the run continues" in line]
    assert len(lines) == 1 and "expected room for checkpoints, found" in lines[0]
