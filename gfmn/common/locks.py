"""Work that two processes must not do at once."""

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gfmn.common.errors import InputError

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

LOCKS = Path("data/locks")  # of a study's folder


@contextmanager
def locked(name: str, folder: Path = LOCKS) -> Iterator[None]:
    """Context that one process at a time is in, whose number is in `folder/<name>.lock`.

    Raises `InputError` with that number where another one is. The system lifts the lock of a
    process that ended, however it did. Where no lock can be had, as on a read-only disk, there is
    none.
    """
    with contextlib.ExitStack() as stack:
        path = folder / f"{name}.lock"
        with contextlib.suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            stack.callback(os.close, handle)
            if not exclusive(handle):
                number = os.read(handle, 20).decode(errors="replace").strip() or "unknown"
                expected = "expected it not to be running yet"
                raise InputError(f"{name}: {expected}, found it running as process {number}")
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n".encode())
        yield


def exclusive(handle: int) -> bool:
    """Whether this process has a file's or a folder's lock now; `OSError` where there are none."""
    if fcntl is None:
        raise OSError("no locks")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
