"""Checkpoints that are not what they should be: refused, and the one before is used."""

import errno
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import safetensors.torch
import torch
from builders.checkpoint_store import PRINT, Store, is_of, save

from gfmn.common import tensorfile
from gfmn.runtime.checkpoints import Checkpoints, fingerprint


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


def test_latest_with_a_flipped_bit_refuses_or_reads_the_same(tmp_path) -> None:
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
def test_latest_refuses_other_names_dtypes_or_shapes_of_the_bytes(
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


def test_latest_with_replaced_bytes_refuses_or_reads_the_same(tmp_path) -> None:
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


def test_latest_refuses_every_other_length(tmp_path) -> None:
    with one_good_before(tmp_path) as (store, path, good):
        longer = [good + b"\0", good + good]
        for damaged in [good[:length] for length in range(0, len(good), 3)] + longer:
            path.write_bytes(damaged)
            store.lines.clear()
            expect_the_one_before(store, path, damaged)


def foreign(path: Path) -> str:
    safetensors.torch.save_file({"a": torch.ones(3)}, path, {"format": "pt"})
    return "expected format 'checkpoint-1', found no format"


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
def test_latest_refuses_a_file_of_something_else_with_a_reason(
    make: Callable[[Path], str], tmp_path
) -> None:
    with one_good_before(tmp_path) as (store, path, _):
        reason = make(path)
        expect_the_one_before(store, path, path.read_bytes() if path.exists() else b"")
        assert reason in store.lines[0] and str(path) in store.lines[0]


def test_damaged_file_replaces_an_older_one_of_its_name(tmp_path) -> None:
    with one_good_before(tmp_path) as (store, path, good):
        for damaged in (good[:-1], good[:-2]):
            path.write_bytes(damaged)
            assert store.latest().step == 1
        assert path.with_name(f"{path.name}.damaged").read_bytes() == good[:-2]


def test_latest_is_none_with_every_file_damaged_and_save_works(tmp_path) -> None:
    store = Store(tmp_path)
    assert store.latest() is None and not store.folder.exists()
    for step in (1, 2):
        save(store, step)
    for path in store.folder.iterdir():
        path.write_bytes(b"")
    assert store.latest() is None and len(store.lines) == 2
    assert save(store, 1) and is_of(store.latest(), 1)


def test_unreadable_file_is_not_used_and_not_renamed(tmp_path, monkeypatch) -> None:
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


def test_warnings_go_to_stderr_by_default(tmp_path, capsys) -> None:
    with one_good_before(tmp_path) as (_, path, _):
        path.write_bytes(b"")
        Checkpoints(tmp_path, "run", PRINT).latest()
        printed = capsys.readouterr()
        assert printed.out == "" and printed.err.count("\n") == 1 and str(path) in printed.err
