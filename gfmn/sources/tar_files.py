"""Tar archives that anyone may have written: read member by member, and never unpacked."""

import gzip
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from gfmn.common.bounds import IMAGES
from gfmn.common.errors import InputError
from gfmn.common.regular_files import check_regular, foreign_format, one_line

LARGEST = 64 << 20  # bytes of a member, and of what describes one
RATIO = 100  # times its size that a packed archive may unpack to, if that is more
LONGEST = 4096  # characters of a name
END = bytes(tarfile.BLOCKSIZE)
DAMAGES = (
    *(tarfile.TarError, zlib.error, EOFError, OSError),
    *(RuntimeError, ValueError, LookupError, TypeError, OverflowError),  # of a wrong header
)


def members(
    path: Path, wanted: Callable[[str], bool], where: str
) -> Iterator[tuple[str, bytes | None]]:
    """Name and content, or None where it is not `wanted`, of every file in a tar archive.

    The archive is plain or gzipped. Memory holds one content. Nothing is written, so names lead
    nowhere. `where` begins the `InputError` of a damaged, truncated or other file, and of a member
    that is a link, a device or of more than 64 MiB, which is named.
    """
    begin, place = f"{where}: {path.name}", "the first member"
    try:
        check_regular(path)
        with path.open("rb") as raw:
            start = raw.read(tarfile.BLOCKSIZE)
            raw.seek(0)
            packed = start.startswith(b"\x1f\x8b")
            if not packed and (found := foreign_format(start)):
                raise InputError(f"expected a tar archive, found {found}")
            file = _Bounded(
                gzip.GzipFile(fileobj=raw) if packed else raw, path.stat().st_size, packed
            )
            with tarfile.open(fileobj=cast(Any, file), mode="r:") as archive:
                number = 0
                while (member := archive.next()) is not None:
                    cast(Any, archive).members.clear()  # else all of them stay in memory
                    number += 1
                    place = f"member {one_line(ValueError(member.name[:100]))}"
                    _check(member, number)
                    if member.isfile():
                        yield member.name, _content(archive, member, wanted)
                    place = f"after {place}"
                place = f"the end after {number:,} members"
                file.seek(archive.offset)
                if file.read(tarfile.BLOCKSIZE) != END:
                    raise EOFError("no end of the archive where one of its members ends")
    except InputError as error:
        raise InputError(f"{begin}: {error}") from None
    except DAMAGES as error:
        reason = getattr(error, "strerror", None) or one_line(error)
        raise InputError(f"{begin}: {place}: expected a tar archive, found: {reason}") from None


def _check(member: tarfile.TarInfo, number: int) -> None:
    name = one_line(ValueError(member.name[:100]))
    if number > IMAGES:
        raise InputError(f"expected at most {IMAGES:,} members, found more")
    if len(member.name) > LONGEST:
        raise InputError(f"member {name}: expected a name of {LONGEST:,} characters, found more")
    if not (member.isfile() or member.isdir()):
        raise InputError(f"member {name}: expected a file, found a link or a device")
    if member.size > LARGEST:
        expected = f"at most {LARGEST:,} bytes"
        raise InputError(f"member {name}: expected {expected}, found {member.size:,}")


def _content(
    archive: tarfile.TarFile, member: tarfile.TarInfo, wanted: Callable[[str], bool]
) -> bytes | None:
    if not wanted(member.name):
        return None
    file = archive.extractfile(member)
    data = file.read() if file else b""
    if len(data) != member.size:
        raise EOFError("an end in the middle of it")
    return data


class _Bounded:
    """A file of which no more is read at once, or in all, than an archive of images has."""

    def __init__(self, file: Any, size: int, packed: bool) -> None:
        self.file, self.most = file, max(LARGEST, RATIO * size) if packed else size
        self.tell = file.tell

    def seek(self, position: int, whence: int = 0) -> int:
        if whence == 0 and position > self.most:
            raise ValueError(f"an end beyond {self.most:,} bytes")
        return int(self.file.seek(position, whence))

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= LARGEST:
            raise ValueError(f"{size:,} bytes that describe a member")
        data: bytes = self.file.read(size)
        return data
