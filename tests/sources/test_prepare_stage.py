"""The stage `prepare`: stopped by a signal, and its last line."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from builders.items import jpeg
from builders.prepared import write

from gfmn.common.errors import InputError
from gfmn.datasets import prepared

ROOT = Path(__file__).parents[2]


ENDLESS = """
import multiprocessing, sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
import prepare
from gfmn import sources
from gfmn.common import stage
from gfmn.sources.base import ImageSource, Item, Items

class Endless(ImageSource):
    path: str

    def open(self, where):
        raw = Path("a.jpg").read_bytes()
        def items():
            for i in range(10**9):
                if i == 5000:
                    print(*(child.pid for child in multiprocessing.active_children()), flush=True)
                yield Item(str(i), raw, None)
        return Items(items(), 10**9)

if __name__ == "__main__":
    sources.SOURCES["folder"] = Endless
    sys.argv = ["prepare.py", "x"]
    stage.run(prepare.main)
"""


PARAMS = "datasets: {x: {source: folder, path: ., image_size: 8, workers: 2}}\n"


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_stopped_stage_leaves_no_process_and_no_data_set(
    tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(0))
    (tmp_path / "params.yaml").write_text(PARAMS)
    (tmp_path / "endless.py").write_text(ENDLESS)
    folder = tmp_path / "data/prepared/x"
    write(folder, [(np.zeros((2, 8, 8, 3), np.uint8), np.zeros(2))], 8, {})
    words = [sys.executable, "endless.py", str(ROOT), str(ROOT / "stages")]
    process = subprocess.Popen(
        words, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    workers = [int(pid) for pid in process.stdout.readline().split()]
    assert workers and not all(map(gone, workers))
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    if number != signal.SIGKILL:
        assert process.returncode == 128 + number
        assert errors.splitlines()[-1] == f"prepare x: stopped by {number.name}"
    deadline = time.monotonic() + 30
    while not all(map(gone, workers)):
        assert time.monotonic() < deadline, "workers outlive their parent"
        time.sleep(0.02)
    assert (folder / "images.npy").stat().st_size > 0
    with pytest.raises(InputError, match=r"meta\.json"):
        prepared.read(folder)


def test_stage_prints_one_line(tmp_path: Path) -> None:
    for i in range(3):
        (tmp_path / f"{i}.jpg").write_bytes(b"" if i == 1 else jpeg(i))
    more = PARAMS.replace("workers: 2", "flips: true, broken: skip")
    (tmp_path / "params.yaml").write_text(more)
    words = [sys.executable, str(ROOT / "stages/prepare.py"), "x"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout == "x: 4 images of 8 px, 1 skipped, without labels\n"
    (tmp_path / "params.yaml").write_text(PARAMS)
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("error: datasets.x: 1.jpg: expected")
    assert done.stderr.count("\n") == 1
