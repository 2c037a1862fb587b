"""Processes of one work: one that is killed or stuck is named, and ends the others."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gfmn.runtime import watch

SCRIPT = """
import os, sys, time
from gfmn.runtime import processes, watch
watch.EVERY, watch.GRACE = 0.2, 1.0
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
def test_no_process_outlives_one_that_was_killed(tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    words = [sys.executable, "work.py"]
    with (tmp_path / "errors").open("w") as errors:
        launcher = subprocess.Popen(words, cwd=tmp_path, env=environment, stderr=errors)
    while len([*tmp_path.glob("*.pid")]) < 2:
        assert launcher.poll() is None
        time.sleep(0.05)
    ranks = [int((tmp_path / f"{rank}.pid").read_text()) for rank in range(2)]
    os.kill(ranks[1], signal.SIGKILL)
    assert launcher.wait() not in (0, None)
    while not all(map(gone, ranks)):
        time.sleep(0.05)
    line = f"error: work: process 1 of 2 (number {ranks[1]}): ended by SIGKILL\n"
    assert (tmp_path / "errors").read_text() == line


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")
def test_processes_end_with_a_parent_that_is_killed_before_they_have_met(tmp_path: Path) -> None:
    early = SCRIPT.replace(
        "processes.join",
        """if "RANK" in os.environ:
    rank = os.environ["RANK"]
    with open(rank, "w") as file:
        file.write(str(os.getpid()))
    os.rename(rank, f"{rank}.pid")
    time.sleep(3 * int(rank))  # process 0 waits for the other
processes.join""",
    )
    (tmp_path / "work.py").write_text(early)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    launcher = subprocess.Popen([sys.executable, "work.py"], cwd=tmp_path, env=environment)
    while not all((tmp_path / f"{rank}.pid").exists() for rank in range(2)):
        assert launcher.poll() is None
        time.sleep(0.05)
    time.sleep(0.5)
    launcher.kill()
    launcher.wait()
    ranks = [int((tmp_path / f"{rank}.pid").read_text()) for rank in range(2)]
    deadline = time.monotonic() + 30
    while not all(map(gone, ranks)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Others(dict[str, int]):
    """The store of three processes, as process `rank` sees it, and a clock."""

    def __init__(self, rank: int, silent: set[int], ended: set[int]) -> None:
        super().__init__({f"ended-{one}": 1 for one in ended})
        self.living = {0, 1, 2} - silent - ended - {rank}
        self.now = 0.0

    def add(self, key: str, count: int) -> int:
        self[key] = self.get(key, 0) + count
        return self[key]

    def wait(self, seconds: float) -> bool:
        """Time passes, in which the others that live give their signs; the work takes an hour."""
        self.now += seconds
        for one in self.living:
            self.add(f"signs-{one}", 1)
        return self.now > 3600


@pytest.mark.parametrize(
    ("rank", "silent", "ended", "speaks"),
    [
        (0, {1}, set(), True),
        (1, {0}, set(), True),
        (2, {0}, set(), False),  # process 1 does
        (0, set(), set(), False),
        (0, set(), {1, 2}, False),  # they were done first
    ],
)
def test_a_stuck_process_is_named_by_the_first_that_is_not(
    rank: int,
    silent: set[int],
    ended: set[int],
    speaks: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def end(code: int) -> None:
        raise SystemExit(code)

    others: Any = Others(rank, silent, ended)
    monkeypatch.setattr(watch, "time", SimpleNamespace(monotonic=lambda: others.now))
    monkeypatch.setattr(watch.os, "_exit", end)
    if not speaks:
        watch._watch(others, rank, 3, others)
        assert others[f"ended-{rank}"] and capsys.readouterr().err == ""
        return
    with pytest.raises(SystemExit):
        watch._watch(others, rank, 3, others)
    (number,) = silent
    found = f"expected a sign of life, found none for {watch.SILENCE:.0f} s"
    assert capsys.readouterr().err == f"error: process {number} of 3: {found}\n"
    assert watch.SILENCE < others.now <= watch.SILENCE + 2 * watch.EVERY < 60
