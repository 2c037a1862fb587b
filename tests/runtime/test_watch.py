"""Processes of one work: one that is killed or stuck is named, and ends the others."""

import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
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
    """The store of three processes, as process `rank` sees it."""

    def __init__(self, rank: int, silent: set[int], ended: set[int], cut: bool) -> None:
        super().__init__({f"ended-{one}": 1 for one in ended})
        self.living = {0, 1, 2} - silent - ended - {rank}
        self.cut = cut  # it gives no answer

    def add(self, key: str, count: int) -> int:
        if self.cut:
            raise RuntimeError("timed out")
        self[key] = self.get(key, 0) + count
        return self[key]

    def live(self) -> None:
        """Time passes, in which those that live give their signs."""
        for one in self.living:
            self[f"signs-{one}"] = self.get(f"signs-{one}", 0) + 1


@pytest.mark.parametrize(
    ("rank", "silent", "ended", "cut", "named"),
    [
        (0, {1}, set(), False, 1),
        (1, {0}, set(), False, 0),
        (2, {0}, set(), False, None),  # process 1 names it
        (0, set(), set(), False, None),
        (0, set(), {1, 2}, False, None),  # they were done first
        (2, set(), set(), True, 0),  # on a node whose network is cut
    ],
)
def test_a_stuck_process_is_named_by_the_first_that_is_not(
    rank: int,
    silent: set[int],
    ended: set[int],
    cut: bool,
    named: int | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def end(code: int) -> None:
        raise SystemExit(code)

    others: Any = Others(rank, silent, ended, cut)
    monkeypatch.setattr(watch.os, "_exit", end)
    signs, rounds = watch.Signs(others, rank, 3), 0
    with pytest.raises(SystemExit) if named is not None else nullcontext():
        while rounds < 700:
            rounds += 1
            others.live()
            signs.exchange()
            signs.look()
    if named is None:
        signs.end()
        assert rounds == 700 and others[f"ended-{rank}"] and capsys.readouterr().err == ""
        return
    found = f"expected a sign of life, found none for {watch.SILENCE:.0f} s"
    assert capsys.readouterr().err == f"error: process {named} of 3: {found}\n"
    assert watch.SILENCE < rounds * watch.EVERY <= watch.SILENCE + 2 * watch.EVERY < 60
