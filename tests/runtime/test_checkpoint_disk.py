"""Checkpoints on a full disk and under SIGKILL: the last good one is always there."""

import errno
import inspect
import os
import random
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from builders.checkpoint_store import PRINT, Store, content, is_of, save


def hidden(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob(".*"))


def test_half_written_files_are_removed_and_nothing_else(tmp_path) -> None:
    store = Store(tmp_path)
    save(store, 1)
    for name in (".step-000000002.safetensors.k3x", ".step-7", "..step-000000002.safetensors.a_b"):
        (store.folder / name).write_bytes(b"half")
    (store.folder / "notes.txt").write_text("kept")
    (store.folder / "step-000000003.safetensors.damaged").write_text("kept")
    assert Store(tmp_path).lines == []
    assert sorted(path.name for path in store.folder.iterdir()) == [
        "notes.txt",
        "step-000000001.safetensors",
        "step-000000003.safetensors.damaged",
    ]


LIMITED = """
import resource, sys
from pathlib import Path
import torch
from gfmn.runtime.checkpoints import Checkpoints
lines = []
store = Checkpoints(Path("."), "run", "f" * 64, warn=lines.append)
assert store.save(1, {"x": torch.arange(10)}, {})
for limit in (0, 100, 4096, 1 << 20, (1 << 23) + 100):  # the tensor is of 1 << 23 bytes
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    assert store.save(2, {"x": torch.arange(1 << 20)}, {}) is False, limit
    assert len(lines) == 1 and "File too large" in lines[0], lines  # one for all
    assert [path.name for path in store.folder.iterdir()] == ["step-000000001.safetensors"]
    assert store.latest().tensors["x"].tolist() == list(range(10))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
assert store.save(2, {"x": torch.arange(1 << 20)}, {}) and store.latest().step == 2
"""


def test_save_without_room_keeps_the_last_checkpoint(tmp_path) -> None:
    pytest.importorskip("resource")
    subprocess.run([sys.executable, "-c", LIMITED], cwd=tmp_path, check=True)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EIO])
@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
def test_save_with_a_failing_call_keeps_the_last_checkpoint(
    call: str, code: int, tmp_path, monkeypatch
) -> None:
    store = Store(tmp_path, keep=1)
    assert save(store, 1)

    def fails(*arguments: Any, **named: Any) -> Any:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fails)
        assert save(store, 2) is False
    assert [path.name for path in store.folder.iterdir()] == ["step-000000001.safetensors"]
    (line,) = store.lines
    assert os.strerror(code) in line and str(store.folder) in line and "\n" not in line
    assert is_of(store.latest(), 1) and save(store, 3) and is_of(store.latest(), 3)


def test_save_without_a_folder_is_false_and_one_line(tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = Store(tmp_path / "file")
    assert save(store, 1) is False and len(store.lines) == 1
    assert store.latest() is None


def test_save_with_an_unsynced_name_removes_no_checkpoint(tmp_path, monkeypatch) -> None:
    for code, written in ((errno.EIO, False), (errno.EINVAL, True)):  # EINVAL: it syncs no folders
        store, real = Store(tmp_path / str(code), keep=1), os.fsync
        assert save(store, 1)

        def fails(handle: int, code: int = code, real: Callable[[int], None] = real) -> None:
            if stat.S_ISDIR(os.fstat(handle).st_mode):
                raise OSError(code, os.strerror(code))
            real(handle)

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fails)
            assert save(store, 2) is written
        assert store.steps() == ([2] if written else [1, 2]) and is_of(store.latest(), 2)


def test_save_syncs_bytes_then_name_then_removes_old_files(tmp_path, monkeypatch) -> None:
    store = Store(tmp_path, keep=1)
    save(store, 1)
    events: list[str] = []

    def note(call: str, what: Callable[[Any], str]) -> None:
        real = getattr(os, call)

        def noted(*arguments: Any, **named: Any) -> Any:
            events.append(f"{call} {what(arguments[-1])}")
            return real(*arguments, **named)

        monkeypatch.setattr(os, call, noted)

    def of_handle(handle: int) -> str:
        for path in (store.folder, tmp_path):
            if os.path.sameopenfile(handle, folders[path]):
                return "folder" if path == store.folder else "root"
        size = os.fstat(handle).st_size
        return "whole file" if size > content(2)["x"].nbytes else "part of a file"

    folders = {path: os.open(path, os.O_RDONLY) for path in (store.folder, tmp_path)}
    note("fsync", of_handle)
    note("replace", lambda path: "final" if not Path(path).name.startswith(".") else "partial")
    note("unlink", lambda path: Path(path).name)
    assert save(store, 2)
    for handle in folders.values():
        os.close(handle)
    removed = "unlink step-000000001.safetensors"
    sure = ["fsync whole file", "replace final", "fsync folder", "fsync root", removed]
    assert [event for event in events if event in sure] == sure
    assert "fsync part of a file" not in events


SERVER = """
import itertools, os, signal, sys, time
from pathlib import Path
import torch
from torch import Tensor
from gfmn.runtime.checkpoints import Checkpoints

{content}

def save(store, step):
    assert store.save(step, content(step), {{"loss": 1 / (step + 1)}})
    os.write(1, f"{{step}}\\n".encode())

def endless():
    store = Checkpoints(Path("root"), "run", sys.argv[1])
    last = store.latest()
    for step in itertools.count(last.step + 1 if last else 0):
        save(store, step)

def once(step, kill_at):
    store, calls = Checkpoints(Path("root"), "run", sys.argv[1]), itertools.count()
    def before(call, arguments):
        if call.startswith(("open", "os.")) and "root" in str(arguments) or call == "fsync":
            if next(calls) == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
    fsync = os.fsync
    os.fsync = lambda handle: (before("fsync", ()), fsync(handle))
    sys.addaudithook(before)
    save(store, step)

Checkpoints(Path("warm"), "run", sys.argv[1]).save(0, content(0), {{}})
for line in sys.stdin:  # a child each, as importing torch takes seconds
    wait, *arguments = line.split()
    child = os.fork()
    if not child:
        once(*map(int, arguments)) if arguments else endless()
        os._exit(0)
    if not arguments:
        time.sleep(float(wait))
        os.kill(child, signal.SIGKILL)
    print("ended", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture
def run_and_kill(tmp_path: Path) -> Iterator[Callable[..., tuple[list[int], int]]]:
    """Runs a process that saves; gives the steps that it reported and how it ended."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER.format(content=inspect.getsource(content)), PRINT],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},  # a fork loses other threads' work
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )

    def run(*order: float) -> tuple[list[int], int]:
        print(*order, file=server.stdin)
        steps = []
        for line in iter(server.stdout.readline, ""):
            if line.startswith("ended"):
                return steps, int(line.split()[1])
            steps.append(int(line))
        raise AssertionError("the server ended")

    yield run
    server.stdin.close()
    assert server.wait() == 0


def test_latest_after_a_kill_is_the_last_reported_or_a_later_one(tmp_path, run_and_kill) -> None:
    rng, last = random.Random(0), -1
    for _ in range(10):
        steps, code = run_and_kill(rng.uniform(0.02, 0.3))
        assert code == -signal.SIGKILL
        assert steps == list(range(last + 1, last + 1 + len(steps)))
        store = Store(tmp_path / "root")
        found = store.latest()
        last = found.step if found else -1
        assert last >= max(steps, default=-1)
        assert found is None or is_of(found, last)
        assert store.lines == [] and hidden(store.folder) == [] and len(store.steps()) <= 3
    assert last > 3  # else nothing was tested


def test_save_killed_before_any_file_operation_is_atomic(tmp_path, run_and_kill) -> None:
    kills, seen = 0, set()
    while True:
        before = Store(tmp_path / "root")
        before.remove()
        for step in (1, 2):
            save(before, step)
        steps, code = run_and_kill(0, 3, kills)
        store = Store(tmp_path / "root")
        found = store.latest().step
        assert is_of(store.latest(), found) and found >= max(steps, default=2)
        assert store.lines == [] and hidden(store.folder) == []
        assert set(store.steps()) <= {1, 2, 3} and {2, found} <= set(store.steps())
        seen.add(tuple(store.steps()))
        if code == 0:
            break
        assert code == -signal.SIGKILL
        kills += 1
    assert kills >= 6 and seen == {(1, 2), (1, 2, 3), (2, 3)}
