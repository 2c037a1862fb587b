"""Files that anyone may have written, read whole: regular ones alone, up to a size."""

import stat
from pathlib import Path

from gfmn.common.errors import InputError

# Beginnings of files that are often downloaded in place of the one that was meant.
FOREIGN = {
    b"version https://git-lfs": "a pointer of Git LFS, not the file that it stands for",
    b"\x1f\x8b": "a gzip file; unpack it",
    b"<!doctype": "an HTML page",
    b"<html": "an HTML page",
    b"<?xml": "an XML page",
    b"\x89hdf": "an HDF5 file",
}


def check_regular(path: str | Path, largest: int | None = None) -> None:
    """Raise `InputError` for a pipe, a device, a folder, or a file of more than `largest` bytes.

    Raises `OSError` where there is no such file.
    """
    found = Path(path).stat()
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe or a device"
        raise InputError(f"{path}: expected a file, found {kind}")
    if largest is not None and found.st_size > largest:
        expected = f"expected a file of at most {largest:,} bytes"
        raise InputError(f"{path}: {expected}, found {found.st_size:,}")


def read_bytes(path: str | Path, largest: int | None = None) -> bytes:
    """A file's content; raises as `check_regular` does."""
    check_regular(path, largest)
    return Path(path).read_bytes()


def foreign_format(data: bytes) -> str | None:
    """What a file is that no reader of data knows, by its beginning; None: nothing tells."""
    if not data:
        return "an empty file"
    start = data[:64].lower().lstrip(b"\xef\xbb\xbf \t\r\n")
    return next((what for begin, what in FOREIGN.items() if start.startswith(begin)), None)


def foreign_file(path: str | Path) -> str | None:
    """The same of a file that lies somewhere; None also for one that cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return foreign_format(file.read(64))
    except OSError:
        return None


def one_line(error: BaseException) -> str:
    """What is wrong with a file, as one printable line of 200 characters at most."""
    text = str(error) or type(error).__name__
    return "".join(filter(str.isprintable, " ".join(text.split())))[:200]
