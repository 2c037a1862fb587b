"""Files of numpy arrays that anyone may have written: memory-mapped, or read up to a size."""

import io
import math
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from gfmn.common.archives import read_members
from gfmn.common.errors import InputError
from gfmn.common.regular_files import check_regular, foreign_format, one_line

MAGIC = b"\x93NUMPY"
HEADERS: dict[tuple[int, int], Any] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def open_array(path: Path, where: str = "", expected: str = "an .npy array") -> np.ndarray:
    """An `.npy` file, memory-mapped; no object of it is made.

    `where`, the path unless given, begins the `InputError` for any other file.
    """
    where = where or str(path)
    try:
        check_regular(path)
        with path.open("rb") as file:
            start = file.read(64)
        if not start.startswith(MAGIC):
            found = foreign_format(start) or ("an archive" if start[:2] == b"PK" else "another one")
            raise InputError(f"{where}: expected {expected}, found {found}")
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
        return array
    except InputError:
        raise
    except Exception as error:  # numpy raises almost anything on a damaged header
        found = getattr(error, "strerror", None) or one_line(error)
        raise InputError(f"{where}: expected {expected}, found {found}") from None


def read_npz(path: Path, names: Collection[str], where: str) -> dict[str, np.ndarray]:
    """Arrays of an `.npz` file by name, read-only; `where` begins the `InputError` for others."""
    members = {name: f"{name}.npy" for name in names}
    try:
        check_regular(path)
        with path.open("rb") as file:
            found = read_members(file, members.values(), where, "an .npz file")
    except OSError as error:
        raise InputError(f"{where}: expected an .npz file, found: {error.strerror}") from None
    arrays = {}
    for name, member in members.items():
        try:
            arrays[name] = _parse(found[member])
        except Exception as error:  # as above
            raise InputError(
                f"{where}: {member}: expected an array, found: {one_line(error)}"
            ) from None
    return arrays


def _parse(data: bytes) -> np.ndarray:
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version not in HEADERS:
        raise ValueError(f"version {version}")
    shape, columns_first, dtype = HEADERS[version](stream)
    size, start = math.prod(shape) * dtype.itemsize, stream.tell()
    if dtype.hasobject or size != len(data) - start:
        raise ValueError(f"{len(data) - start} bytes for an array of shape {shape} and {dtype}")
    array: np.ndarray = np.frombuffer(data, dtype, offset=start)
    return array.reshape(shape[::-1]).T if columns_first else array.reshape(shape)
