"""Files that are written whole or not at all, and what a full disk is called."""

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from gfmn.common.errors import InputError

# A disk that is full or read-only, a file beyond a limit or without permission: no defect of ours.
DISK = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM),
    *(errno.EIO, errno.ENAMETOOLONG),
}


def disk_error(error: OSError) -> str:
    """One line: the file, where it is known, what was expected and what was found."""
    about = f"{error.filename}: " if error.filename else ""
    reason = error.strerror or " ".join(str(error).split())
    return f"{about}expected room and permission to write, found: {reason}"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to, and move that file to `path` at the end: whole, or not there.

    The folder is made where it is missing. The temporary file's name is always the same, so that a
    killed process leaves one at most. An `OSError` names `path`.
    """
    partial = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except BaseException as error:
        if isinstance(error, OSError):
            error.filename = str(path)
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def new_array(path: Path, dtype: DTypeLike, shape: Sequence[int]) -> np.memmap:
    """A new memory-mapped `.npy` file whose room on the disk is reserved.

    Without that, writing to the map of a full disk ends the process by SIGBUS. Raises `InputError`
    where there is no room; no file is left then.
    """
    try:
        array = np.lib.format.open_memmap(path, "w+", np.dtype(dtype), tuple(shape))
        with path.open("r+b") as file:
            _reserve(file.fileno(), path.stat().st_size)
    except (OSError, ValueError) as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in DISK:
            size = f"{int(np.prod(shape, dtype=object)) * np.dtype(dtype).itemsize:,} bytes"
            found = error.strerror
            raise InputError(f"{path}: expected room for {size}, found: {found}") from None
        raise
    return array


def _reserve(handle: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)
        return
    start = os.lseek(handle, 0, os.SEEK_SET)  # macOS: zeros, but for the header that is there
    header = os.read(handle, 128)
    os.lseek(handle, start + len(header), os.SEEK_SET)
    for done in range(len(header), size, 1 << 20):
        os.write(handle, bytes(min(1 << 20, size - done)))
