"""Starting several processes: how a failure of one, and a signal to the launcher, spread."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gfmn.runtime.distributed import launch

FAIL = """
import os, sys, time
if os.environ["RANK"] == "1":
    sys.exit(int(sys.argv[1]))
time.sleep(60)
"""


def test_launch_returns_the_failed_scripts_code_and_stops_the_others(
    tmp_path: Path,
) -> None:
    script = tmp_path / "fail.py"
    script.write_text(FAIL)
    environment, handlers = dict(os.environ), handlers_now()
    start = time.monotonic()
    assert launch(2, str(script), "7") == 7
    assert time.monotonic() - start < 30  # the other one did not sleep to its end
    assert dict(os.environ) == environment and handlers_now() == handlers


def handlers_now() -> list[Any]:
    return [signal.getsignal(number) for number in sorted(signal.valid_signals())]


STOP = """
import os, signal, sys, time
rank, folder = os.environ["RANK"], sys.argv[1]
def write(name, text):
    with open(f"{folder}/{name}-{rank}.part", "w") as file:
        file.write(text)
    os.rename(file.name, f"{folder}/{name}-{rank}")
def stop(number, frame):
    write("stopped", str(int(number)))
    sys.exit(0)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, stop)
write("ready", os.environ["OMP_NUM_THREADS"])
time.sleep(60)
"""

LAUNCH = (
    "import sys; from gfmn.runtime.distributed import launch; sys.exit(launch(2, *sys.argv[1:]))"
)


@pytest.fixture
def launchers(tmp_path: Path) -> Iterator[dict[int, subprocess.Popen[bytes]]]:
    """Launchers of two waiting scripts, one for each signal, started side by side."""
    script = tmp_path / "stop.py"
    script.write_text(STOP)
    started = {}
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        (tmp_path / str(int(number))).mkdir()
        command = [sys.executable, "-c", LAUNCH, str(script), str(tmp_path / str(int(number)))]
        started[int(number)] = subprocess.Popen(
            command, env={**os.environ, "OMP_NUM_THREADS": "1"}, start_new_session=True
        )
    yield started
    for process in started.values():
        process.kill()
        process.wait()


def test_signal_to_the_launcher_reaches_every_script(
    launchers: dict[int, subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    for number, process in launchers.items():
        folder, end = tmp_path / str(number), time.monotonic() + 60
        while len(list(folder.glob("ready-?"))) < 2 and time.monotonic() < end:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
    for number, process in launchers.items():
        assert process.wait(30) == 128 + number  # also where the scripts end in order
        folder = tmp_path / str(number)
        for rank in range(2):
            assert (folder / f"stopped-{rank}").read_text() == str(number)
            assert (folder / f"ready-{rank}").read_text() == "1"  # a set value is kept
