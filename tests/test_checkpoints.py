"""Checkpoints: what is saved comes back, and damage, full disks and kills cost one at most."""

import errno
import hashlib
import inspect
import json
import math
import os
import random
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gfmn import tensorfile
from gfmn.checkpoints import Checkpoint, Checkpoints, fingerprint
from gfmn.errors import InputError

PRINT = fingerprint({"run": "a"})


class Store(Checkpoints):
    """The checkpoints of one run, with the warnings that were given."""

    def __init__(self, root: Path, print_: str = PRINT, keep: int = 2) -> None:
        self.lines: list[str] = []
        super().__init__(root, "run", print_, keep, self.lines.append)

    def steps(self) -> list[int]:
        return sorted(int(path.stem.split("-")[1]) for path in self.folder.glob("step-*.saf*s"))


def content(step: int, count: int = 100_000) -> dict[str, Tensor]:
    """Tensors that tell of which step they are."""
    return {"x": torch.arange(count) * 7 + step, "y": torch.full((3,), step / 3)}


def bits(tensor: Tensor) -> tuple[torch.dtype, tuple[int, ...], bytes]:
    """All that equal tensors share, with the bytes picked from memory one element at a time."""
    memory, size = bytes(tensor.detach().untyped_storage().tolist()), tensor.dtype.itemsize
    strides, first = tensor.stride(), tensor.storage_offset()
    places = (first + int(np.dot(index, strides)) for index in np.ndindex(*tensor.shape))
    elements = (memory[place * size : (place + 1) * size] for place in places)
    return tensor.dtype, tuple(tensor.shape), b"".join(elements)


def is_of(checkpoint: Checkpoint | None, step: int, count: int = 100_000) -> bool:
    """Whether a checkpoint holds what `save` below gave it."""
    assert checkpoint is not None and checkpoint.step == step
    expected, found = content(step, count), checkpoint.tensors
    return (
        found.keys() == expected.keys()
        and all(torch.equal(found[key], value) for key, value in expected.items())
        and checkpoint.about == {"loss": 1 / (step + 1)}
    )


def save(store: Checkpoints, step: int, count: int = 100_000) -> bool:
    return store.save(step, content(step, count), {"loss": 1 / (step + 1)})


DTYPES = (
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32),
    *(torch.int16, torch.int8, torch.uint8, torch.bool, torch.complex64),
)
LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "plain": lambda t: t,
    "reversed dimensions": lambda t: t.permute(tuple(range(t.ndim))[::-1]),
    "every second": lambda t: t[..., ::2] if t.ndim else t,
    "part": lambda t: t[1:] if t.ndim else t,
    "repeated": lambda t: t.expand(3, *t.shape),
    "parameter": lambda t: torch.nn.Parameter(t, t.is_floating_point()),
}


@st.composite
def any_tensor(draw: st.DrawFn) -> Tensor:
    """Random bytes of any dtype, so with NaN, infinity and denormals; of many strides."""
    dtype = draw(st.sampled_from(DTYPES))
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    raw = rng.integers(0, 256, math.prod(shape) * dtype.itemsize, dtype=np.uint8)
    if dtype == torch.bool:
        raw %= 2
    tensor = torch.tensor(raw.tolist(), dtype=torch.uint8).view(dtype).reshape(shape)
    return LAYOUTS[draw(st.sampled_from(sorted(LAYOUTS)))](tensor)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(["__metadata__", "tensor/", "", "a/b"]) | st.text(max_size=8)


@settings(max_examples=100, deadline=None)
@given(
    tensors=st.dictionaries(NAMES, any_tensor(), max_size=4),
    about=st.dictionaries(st.text(), VALUES, max_size=4),
    step=st.integers(0, 10**11),
)
def test_what_is_saved_comes_back_bit_for_bit(
    tensors: dict[str, Tensor], about: dict[str, Any], step: int
) -> None:
    with tempfile.TemporaryDirectory() as root:
        store = Store(Path(root))
        assert store.save(step, tensors, about)
        found = Store(Path(root)).latest()
        assert found is not None and found.step == step and found.path.is_file()
        expected = {key: bits(value) for key, value in tensors.items()}
        assert {key: bits(value) for key, value in found.tensors.items()} == expected
        # The text tells 1 from 1.0 and 0.0 from -0.0, and NaN is NaN.
        assert json.dumps(found.about, sort_keys=True) == json.dumps(about, sort_keys=True)
        assert store.lines == []


def test_floats_of_the_description_come_back_exactly(tmp_path) -> None:
    rng = np.random.default_rng(0)
    values = rng.integers(0, 2**64, 2000, dtype=np.uint64).view(np.float64)
    store = Store(tmp_path)
    store.save(1, {}, {"values": values.tolist()})
    found = np.array(store.latest().about["values"])
    finite = ~np.isnan(values)
    np.testing.assert_array_equal(found.view(np.uint64)[finite], values.view(np.uint64)[finite])
    assert np.isnan(found[~finite]).all()


def test_tensors_that_share_memory_come_back_each_whole(tmp_path) -> None:
    base = torch.arange(10.0)
    store = Store(tmp_path)
    assert store.save(1, {"a": base, "b": base, "c": base[2:7], "d": base[5:]}, {})
    found = store.latest().tensors
    assert [found[key].tolist() for key in "abcd"] == [
        base.tolist(), base.tolist(), [2, 3, 4, 5, 6], [5, 6, 7, 8, 9]
    ]  # fmt: skip


def test_what_was_read_does_not_change_with_the_file(tmp_path) -> None:
    store = Store(tmp_path)
    save(store, 1)
    found = store.latest()
    with found.path.open("r+b") as file:
        file.write(bytes(found.path.stat().st_size))
    assert is_of(found, 1)


def test_keys_of_a_description_that_are_no_strings_do_not_damage_it(tmp_path) -> None:
    store = Store(tmp_path)
    store.save(1, {}, {"sizes": {2: "b", 10: "a"}, "pair": (1, 2)})
    assert store.latest().about == {"sizes": {"2": "b", "10": "a"}, "pair": [1, 2]}


def test_what_json_or_safetensors_cannot_hold_raises_and_leaves_nothing(tmp_path) -> None:
    store = Store(tmp_path)
    save(store, 1)
    for tensors, about in (({}, {"a": object()}), ({"a": torch.ones(2).to_sparse()}, {})):
        with pytest.raises((TypeError, ValueError, RuntimeError)):
            store.save(2, tensors, about)
    assert [path.name for path in store.folder.iterdir()] == ["step-000000001.safetensors"]


@contextmanager
def one_good_before(root: Path) -> Iterator[tuple[Store, Path, bytes]]:
    """Checkpoints of step 1 and 2, small enough to try every byte of the second."""
    store = Store(root)
    assert save(store, 1, 5) and save(store, 2, 5)
    path = store.folder / "step-000000002.safetensors"
    yield store, path, path.read_bytes()


def expect_the_one_before(store: Store, path: Path, damaged: bytes) -> None:
    assert is_of(store.latest(), 1, 5)
    assert not path.exists()
    assert path.with_name(f"{path.name}.damaged").read_bytes() == damaged
    (line,) = store.lines
    assert "\n" not in line and path.name in line and "expected" in line and "found" in line


def test_a_flipped_bit_anywhere_is_refused_or_changes_nothing(tmp_path) -> None:
    rng = random.Random(0)
    with one_good_before(tmp_path) as (store, path, good):
        header, neutral = 8 + int.from_bytes(good[:8], "little"), 0
        for place in range(len(good)):
            damaged = bytearray(good)
            damaged[place] ^= 1 << rng.randrange(8)
            path.write_bytes(damaged)
            store.lines.clear()
            found = store.latest()
            if found.step == 2:
                assert is_of(found, 2, 5) and place < header and store.lines == []
                neutral += 1
            else:
                expect_the_one_before(store, path, bytes(damaged))
        assert len(good) > 400 and neutral < len(good) / 50  # white space and last digits


@pytest.mark.parametrize(
    ("written", "changed"),
    [
        ("tensor/b", "tensor/c"),
        ("tensor/b", "teNsor/b"),
        ('"I64"', '"F64"'),
        ('"F32"', '"I32"'),
        ("[2,3]", "[3,2]"),
    ],
)
def test_other_names_dtypes_or_shapes_of_the_same_bytes_are_refused(
    written: str, changed: str, tmp_path
) -> None:
    store = Store(tmp_path)
    save(store, 1, 5)
    store.save(2, {"a": torch.arange(6).reshape(2, 3), "b": torch.ones(6)}, {})
    path = store.folder / "step-000000002.safetensors"
    good = path.read_bytes()
    assert good.count(written.encode()) == 1
    damaged = good.replace(written.encode(), changed.encode())
    path.write_bytes(damaged)
    expect_the_one_before(store, path, damaged)


def test_bytes_replaced_at_random_are_refused_or_change_nothing(tmp_path) -> None:
    rng = random.Random(1)
    with one_good_before(tmp_path) as (store, path, good):
        for _ in range(400):
            damaged = bytearray(good)
            for _ in range(rng.randint(1, 4)):
                damaged[rng.randrange(len(good))] = rng.choice([0, 32, 48, 255, rng.randrange(256)])
            path.write_bytes(damaged)
            store.lines.clear()
            found = store.latest()
            if found.step == 2:
                assert is_of(found, 2, 5) and store.lines == []
            else:
                expect_the_one_before(store, path, bytes(damaged))


def test_every_other_length_is_refused_and_the_one_before_is_used(tmp_path) -> None:
    with one_good_before(tmp_path) as (store, path, good):
        longer = [good + b"\0", good + good]
        for damaged in [good[:length] for length in range(0, len(good), 3)] + longer:
            path.write_bytes(damaged)
            store.lines.clear()
            expect_the_one_before(store, path, damaged)


def foreign(path: Path) -> str:
    safetensors.torch.save_file({"a": torch.ones(3)}, path, {"format": "pt"})
    return "expected format 'checkpoint-1', found none"


def of_another_format(path: Path) -> str:
    tensorfile.write(path, {"a": torch.ones(3)}, {"format": "statistics-1"})
    return "found format 'statistics-1'"


def no_safetensors(path: Path) -> str:
    torch.save({"a": 1}, path)
    return "expected a whole safetensors file"


def of_another_fingerprint(path: Path) -> str:
    other = Store(path.parent.parent, fingerprint({"run": "b"}))
    save(other, 2, 5)
    (other.folder / path.name).rename(path)
    return f"expected fingerprint {PRINT!r}, found {other.fingerprint!r}"


def of_another_step(path: Path) -> str:
    path.write_bytes((path.parent / "step-000000001.safetensors").read_bytes())
    return "expected step 2, found 1"


@pytest.mark.parametrize(
    "make", [foreign, of_another_format, no_safetensors, of_another_fingerprint, of_another_step]
)
def test_a_file_of_something_else_is_refused_and_the_reason_said(
    make: Callable[[Path], str], tmp_path
) -> None:
    with one_good_before(tmp_path) as (store, path, _):
        reason = make(path)
        expect_the_one_before(store, path, path.read_bytes() if path.exists() else b"")
        assert reason in store.lines[0] and str(path) in store.lines[0]


def test_an_older_damaged_file_of_the_same_name_is_overwritten(tmp_path) -> None:
    with one_good_before(tmp_path) as (store, path, good):
        for damaged in (good[:-1], good[:-2]):
            path.write_bytes(damaged)
            assert store.latest().step == 1
        assert path.with_name(f"{path.name}.damaged").read_bytes() == good[:-2]


def test_with_every_file_damaged_there_is_none_and_the_run_can_save_again(tmp_path) -> None:
    store = Store(tmp_path)
    assert store.latest() is None and not store.folder.exists()
    for step in (1, 2):
        save(store, step)
    for path in store.folder.iterdir():
        path.write_bytes(b"")
    assert store.latest() is None and len(store.lines) == 2
    assert save(store, 1) and is_of(store.latest(), 1)


def test_a_file_that_cannot_be_read_is_not_used_and_not_renamed(tmp_path, monkeypatch) -> None:
    with one_good_before(tmp_path) as (store, path, good):
        whole = Path.read_bytes

        def bad_sector(self: Path) -> bytes:
            if self == path:
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return whole(self)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "read_bytes", bad_sector)
            assert is_of(store.latest(), 1, 5)
        assert path.read_bytes() == good and "Input/output error" in store.lines[0]
        assert is_of(store.latest(), 2, 5)


def test_warnings_go_to_stderr_unless_told(tmp_path, capsys) -> None:
    with one_good_before(tmp_path) as (_, path, _):
        path.write_bytes(b"")
        Checkpoints(tmp_path, "run", PRINT).latest()
        printed = capsys.readouterr()
        assert printed.out == "" and printed.err.count("\n") == 1 and str(path) in printed.err


def test_a_fingerprint_is_of_canonical_json() -> None:
    facts = {"b": [1, 2.5], "a": {"z": None, "y": "é"}}
    text = '{"a":{"y":"\\u00e9","z":null},"b":[1,2.5]}'
    assert fingerprint(facts) == hashlib.sha256(text.encode()).hexdigest()
    assert fingerprint({"a": {"y": "é", "z": None}, "b": (1, 2.5)}) == fingerprint(facts)
    others = ({**facts, "b": [1, 2.6]}, {**facts, "b": [2.5, 1]}, {**facts, "c": None})
    assert len({fingerprint(facts), *map(fingerprint, others)}) == 4


def test_runs_of_different_fingerprints_do_not_see_each_other(tmp_path) -> None:
    one, two = Store(tmp_path), Store(tmp_path, fingerprint({"run": "b"}))
    save(one, 5)
    assert two.latest() is None
    save(two, 3)
    assert is_of(one.latest(), 5) and is_of(two.latest(), 3)
    assert one.folder == tmp_path / f"run-{PRINT[:16]}"
    two.remove()
    assert is_of(one.latest(), 5) and one.lines == two.lines == []


@pytest.mark.parametrize("keep", [1, 2, 4])
def test_the_last_few_are_kept(keep: int, tmp_path) -> None:
    store = Store(tmp_path, keep=keep)
    for step in range(8, 13):
        save(store, step, 5)
        assert store.steps() == list(range(8, 13))[: step - 7][-keep:]
    with pytest.raises(InputError, match="expected keep to be at least 1, found 0"):
        Store(tmp_path, keep=0)


def test_at_most_bounds_the_step_and_later_ones_stay_until_they_are_older(tmp_path) -> None:
    store = Store(tmp_path)
    for step in (10, 900, 2_000_000_000):  # one more digit than names are padded to
        save(store, step, 5)
    assert store.latest().step == 2_000_000_000
    assert store.latest(1_999_999_999).step == store.latest(900).step == 900
    assert store.latest(899) is None
    for step in (100, 200, 300):  # a shorter run with the same facts
        assert save(store, step, 5) and is_of(store.latest(step), step, 5)
    assert store.steps() == [200, 300, 900, 2_000_000_000]
    save(store, 1000, 5)
    assert store.steps() == [900, 1000, 2_000_000_000]


def test_removing_takes_the_folder_and_may_be_done_twice(tmp_path) -> None:
    store = Store(tmp_path)
    save(store, 1)
    (store.folder / "step-000000007.safetensors.damaged").write_bytes(b"x")
    store.remove()
    store.remove()
    assert list(tmp_path.iterdir()) == [] and store.latest() is None and store.lines == []


def hidden(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob(".*"))


def test_what_a_kill_left_half_written_is_swept_and_nothing_else(tmp_path) -> None:
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
from gfmn.checkpoints import Checkpoints
lines = []
store = Checkpoints(Path("."), "run", "f" * 64, warn=lines.append)
assert store.save(1, {"x": torch.arange(10)}, {})
for limit in (0, 100, 4096, 1 << 20, (1 << 23) + 100):  # the tensor is of 1 << 23 bytes
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    lines.clear()
    assert store.save(2, {"x": torch.arange(1 << 20)}, {}) is False, limit
    assert len(lines) == 1 and "File too large" in lines[0], lines
    assert [path.name for path in store.folder.iterdir()] == ["step-000000001.safetensors"]
    assert store.latest().tensors["x"].tolist() == list(range(10))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
assert store.save(2, {"x": torch.arange(1 << 20)}, {}) and store.latest().step == 2
"""


def test_a_file_that_finds_no_room_leaves_the_last_good_one(tmp_path) -> None:
    pytest.importorskip("resource")
    subprocess.run([sys.executable, "-c", LIMITED], cwd=tmp_path, check=True)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EIO])
@pytest.mark.parametrize("call", ["open", "chmod", "fsync", "replace"])
def test_a_failing_call_gives_false_and_one_line_and_leaves_the_last_good_one(
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


def test_a_folder_that_cannot_be_made_gives_false_and_one_line(tmp_path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = Store(tmp_path / "file")
    assert save(store, 1) is False and len(store.lines) == 1
    assert store.latest() is None


def test_a_name_that_may_not_be_on_the_disk_yet_costs_no_older_checkpoint(
    tmp_path, monkeypatch
) -> None:
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


def test_bytes_are_synced_before_the_name_and_the_name_before_old_files_go(
    tmp_path, monkeypatch
) -> None:
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
from gfmn.checkpoints import Checkpoints

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


def test_killed_at_random_times_the_last_reported_checkpoint_or_a_later_one_is_there(
    tmp_path, run_and_kill
) -> None:
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


def test_killed_before_any_of_its_file_operations_a_save_happens_or_does_not(
    tmp_path, run_and_kill
) -> None:
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
