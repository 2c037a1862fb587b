"""Processes of one work: one that is killed or stuck is named, and ends the others."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = """
import os, sys, time
from gfmn.runtime import processes, watch
watch.EVERY, watch.SILENCE, watch.GRACE = 0.2, 8.0, 1.0
def work(world):
    with open(f"{world.rank}.part", "w") as file:
        file.write(str(os.getpid()))
    os.rename(file.name, f"{world.rank}.pid")
    for _ in range(600):
        world.barrier()
        time.sleep(0.1)
processes.join(2, "runs.x", work, __file__)
"""


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")
@pytest.mark.parametrize(
    ("number", "who", "line"),
    [
        (signal.SIGKILL, 1, "error: work: process 1 of 2 (number {}): ended by SIGKILL\n"),
        (
            signal.SIGSTOP,
            1,
            "error: process 1 of 2: expected a sign of life, found none for 8 s\n",
        ),
    ],
)
def test_no_process_outlives_the_others(
    number: signal.Signals, who: int, line: str, tmp_path: Path
) -> None:
    (tmp_path / "work.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    words = [sys.executable, "work.py"]
    with (tmp_path / "errors").open("w") as errors:
        launcher = subprocess.Popen(words, cwd=tmp_path, env=environment, stderr=errors)
    while len([*tmp_path.glob("*.pid")]) < 2:
        assert launcher.poll() is None
        time.sleep(0.05)
    ranks = [int((tmp_path / f"{rank}.pid").read_text()) for rank in range(2)]
    os.kill(ranks[who], number)
    assert launcher.wait() not in (0, None)
    while not all(map(gone, ranks)):
        time.sleep(0.05)
    assert (tmp_path / "errors").read_text() == line.format(ranks[1])
