"""Members of zip and tar archives: read into memory, never unpacked, and bounded in size."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Collection
from typing import Any, BinaryIO, cast

from gfmn.common.errors import InputError
from gfmn.common.regular_files import foreign_format, one_line

SMALL, LARGEST = 64 << 20, 2 << 30  # bytes of an unpacked archive that are read
RATIO = 100  # between the two: as many times the archive's own size
PACKERS: tuple[tuple[bytes, Any], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\x00", lzma.open),
)
DAMAGES = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError),
    # Encrypted or of unknown compression, a wrong header, a name that is no text.
    *(RuntimeError, ValueError, LookupError, TypeError, OverflowError),
)


def read_members(
    archive: BinaryIO, names: Collection[str], where: str, expected: str
) -> dict[str, bytes]:
    """Members by name of a zip archive, or of a tar archive as it is, gzipped, in bz2 or in xz.

    `archive` can seek. `where` begins every error, an `InputError` that says what was `expected`: a
    damaged archive; a member that is missing, encrypted, a link, a folder or too large.
    """
    most = _most(archive.seek(0, io.SEEK_END))
    archive.seek(0)
    start = archive.read(64)
    archive.seek(0)
    packed = any(start.startswith(begin) for begin, _ in PACKERS)
    if not packed and (found := foreign_format(start)):
        raise InputError(f"{where}: expected {expected}, found {found}")
    read = _zip_members if start[:2] == b"PK" else _tar_members
    try:
        return read(archive, names, most)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    except DAMAGES as error:
        raise InputError(f"{where}: expected {expected}, found: {one_line(error)}") from None


def read_stored(data: bytes) -> dict[str, bytes]:
    """All members by name of a zip archive that compresses none, as `torch.save` writes it.

    Raises `ValueError` or another of `DAMAGES` for any other archive.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ValueError("compressed entries")
        if any(entry.flag_bits & 1 for entry in entries):
            raise ValueError("encrypted entries")
        if sum(entry.file_size for entry in entries) > len(data):
            raise ValueError("entries larger than the archive")
        return {entry.filename: archive.read(entry) for entry in entries}


def _most(size: int) -> int:
    """Bytes that an archive of `size` may hold unpacked: a small one can claim any number."""
    return min(max(SMALL, RATIO * size), LARGEST)


def _zip_members(archive: BinaryIO, names: Collection[str], most: int) -> dict[str, bytes]:
    members = {}
    with zipfile.ZipFile(archive) as opened:
        known = {entry.filename: entry for entry in opened.infolist()}
        for name in names:
            entry = _found(known.get(name), name)
            _check_size(entry.file_size, name, most)
            with opened.open(entry) as file:
                members[name] = file.read(entry.file_size + 1)  # at the end the checksum is checked
    return members


def _tar_members(archive: BinaryIO, names: Collection[str], most: int) -> dict[str, bytes]:
    start = archive.read(8)
    archive.seek(0)
    unpack = next((open_ for begin, open_ in PACKERS if start.startswith(begin)), lambda file: file)
    members: dict[str, bytes] = {}
    unpacked = cast(BinaryIO, _Bounded(unpack(archive), most))
    with tarfile.open(fileobj=unpacked, mode="r:") as opened:
        known = {entry.name: entry for entry in opened}
        for name in names:
            entry = _found(known.get(name), name)
            if not entry.isfile():
                raise InputError(f"expected the member {name}, found a link or a folder")
            _check_size(entry.size, name, most)
            file = opened.extractfile(entry)
            members[name] = file.read() if file else b""
            if len(members[name]) != entry.size:
                raise EOFError("an end in the middle of a member")
    return members


def _found(entry: Any, name: str) -> Any:
    if entry is None:
        raise InputError(f"expected the member {name}, found none")
    return entry


def _check_size(size: int, name: str, most: int) -> None:
    if size > most:
        raise InputError(f"expected the member {name} of {most:,} bytes at most, found {size:,}")


class _Bounded:
    """A file that is read up to a position; tar archives say where to go, and how far."""

    def __init__(self, file: Any, most: int) -> None:
        self.file, self.most = file, most
        self.tell = file.tell

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET and position > self.most:
            self._refuse()
        return int(self.file.seek(position, whence))

    def read(self, size: int = -1) -> bytes:
        left = self.most + 1 - self.file.tell()
        data: bytes = self.file.read(left if size < 0 else min(size, left))
        if len(data) >= left:
            self._refuse()
        return data

    def _refuse(self) -> None:
        raise ValueError(f"more than {self.most:,} bytes once unpacked")
