"""How the stage scripts end, and how many processes do their work."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gfmn.common.errors import InputError
from gfmn.runtime import processes
from gfmn.runtime.distributed import World

SCRIPT = """
import sys
import torch
from gfmn.common import stage
from gfmn.common.errors import Stopped
from gfmn.runtime import processes
def main(count, end):
    def work(world):
        total = torch.tensor(float(world.rank))
        world.sum_(total)
        if world.is_main:
            print("sum", int(total), "of", world.size)
        if end == "stop":
            raise Stopped("stopped on purpose", 15)
    processes.join(int(count), "runs.x", work, __file__, *sys.argv[1:])
stage.run(main, locks=False)
"""


def call(folder: Path, count: int, end: str) -> subprocess.CompletedProcess[str]:
    script, root = folder / "stage.py", Path(__file__).parents[2]
    script.write_text(SCRIPT)
    words = [sys.executable, str(script), str(count), end]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    return subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)


def test_join_starts_the_processes_that_parameters_ask_for(tmp_path: Path) -> None:
    done = call(tmp_path, 2, "end")
    assert done.returncode == 0 and done.stdout == "sum 1 of 2\n"


def test_join_ends_with_the_code_of_a_signal(tmp_path: Path) -> None:
    done = call(tmp_path, 2, "stop")
    assert done.returncode == 143 and done.stderr.count("stopped on purpose") == 1


def test_join_refuses_another_number_than_torchrun_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for key, value in {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1"}.items():
        monkeypatch.setenv(key, value)

    def work(world: World) -> None:
        raise AssertionError("not to be reached")

    with pytest.raises(InputError, match=r"runs\.x\.processes: expected 1, .*, found 4"):
        processes.join(4, "runs.x", work, "script.py")
