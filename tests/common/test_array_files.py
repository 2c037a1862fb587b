"""Files of numpy arrays: what numpy itself reads, and no object, pipe or other file."""

import os
from pathlib import Path

import numpy as np
import pytest
from builders.input_errors import line

from gfmn.common.array_files import open_array, read_npz

ARRAYS = {
    "rows": np.arange(6.0).reshape(2, 3),
    "columns": np.asfortranarray(np.arange(24, dtype=np.int16).reshape(2, 3, 4)),
    "scalar": np.array(2.5),
    "empty": np.zeros((0, 3), np.float32),
    "big_endian": np.arange(4, dtype=">i4"),
    "fields": np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]),
}


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_of_an_npz_are_those_of_numpy(save, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "a.npz"
    save(path, **ARRAYS)
    with np.load(path) as theirs:
        found = read_npz(path, ARRAYS, "file")
        for name in ARRAYS:
            assert found[name].dtype == theirs[name].dtype
            np.testing.assert_array_equal(found[name], theirs[name], strict=True)
    assert "expected the member none.npy, found none" in line(read_npz, path, ["none"], "file")


@pytest.mark.parametrize("name", sorted(ARRAYS.keys() - {"empty"}))  # which cannot be mapped
def test_array_is_memory_mapped_and_the_same(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, ARRAYS[name])
    found = open_array(path)
    assert isinstance(found, np.memmap)
    np.testing.assert_array_equal(found, ARRAYS[name])


def test_anything_else_is_one_line_that_begins_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    assert line(open_array, path, "x.path") == (
        "x.path: expected an .npy array, found No such file or directory"
    )
    np.savez(tmp_path / "a.npz", a=np.zeros(3))
    assert "found an archive" in line(open_array, tmp_path / "a.npz")
    np.save(path, np.zeros(1000))
    path.write_bytes(path.read_bytes()[:-1])
    assert f"{path}: expected features, found mmap length" in line(
        open_array, path, expected="features"
    )
    os.mkfifo(tmp_path / "pipe")
    assert "expected a file, found a pipe" in line(open_array, tmp_path / "pipe")
    assert "expected a file, found a pipe" in line(read_npz, tmp_path / "pipe", ["a"], "file")
    assert "found a folder" in line(open_array, tmp_path)
