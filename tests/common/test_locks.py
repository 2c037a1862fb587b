"""Work that is done once at a time, and what a killed process leaves."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from builders.input_errors import line

from gfmn.common import stage
from gfmn.common.locks import locked

HOLD = """
import os, signal, sys
from pathlib import Path
from gfmn.common import stage
from gfmn.common.locks import locked
with locked("train-x", Path("locks")), stage.temporary_folder(Path("scratch")) as folder:
    (folder / "features.npy").write_bytes(b"0" * 100)
    print(os.getpid(), flush=True)
    sys.stdin.read()
"""


def enter(folder: Path) -> None:
    with locked("train-x", folder / "locks"):
        pass


def test_second_process_is_refused_with_the_number_of_the_first(tmp_path: Path) -> None:
    words = [sys.executable, "-c", HOLD]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, cwd=tmp_path, **pipes) as process:  # type: ignore[call-overload]
        number = process.stdout.readline().strip()
        assert (
            f"train-x: expected it not to be running yet, found it running as process {number}"
            == line(enter, tmp_path)
        )
        with stage.temporary_folder(tmp_path / "scratch"):
            assert len([*(tmp_path / "scratch").glob("temporary-*/features.npy")]) == 1  # in use
        process.kill()
    assert [*(tmp_path / "scratch").glob("temporary-*")]
    enter(tmp_path)
    with stage.temporary_folder(tmp_path / "scratch") as mine:
        assert [*(tmp_path / "scratch").glob("temporary-*")] == [mine]  # the killed one's is swept
    assert not [*(tmp_path / "scratch").glob("temporary-*")]


@pytest.mark.skipif(os.geteuid() != 0, reason="a disk is mounted by root")
def test_read_only_disk_has_no_locks_and_refuses_nobody(tmpfs: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", tmpfs], check=True)
    enter(tmpfs)
