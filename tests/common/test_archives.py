"""Archives: the members that other readers find, and none that is larger than it may be."""

import io
import tarfile
import zipfile
from collections.abc import Callable

import pytest
from builders.input_errors import line

from gfmn.common import archives
from gfmn.common.archives import read_members, read_stored

MEMBERS = {"a/one.bin": bytes(range(256)) * 40, "a/two": b"", "three": b"3"}


def zipped(method: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in MEMBERS.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def tarred(mode: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:
        for name, content in MEMBERS.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


PACK: dict[str, Callable[[], bytes]] = {
    **{f"zip {m}": lambda m=m: zipped(m) for m in (0, 8, 12, 14)},
    **{f"tar {m}": lambda m=m: tarred(m) for m in ("w:", "w:gz", "w:bz2", "w:xz")},
}


@pytest.mark.parametrize("kind", PACK)
def test_members_are_those_that_were_packed(kind: str) -> None:
    archive = io.BytesIO(PACK[kind]())
    assert read_members(archive, MEMBERS, "file", "an archive") == MEMBERS
    assert read_members(archive, ["three"], "file", "an archive") == {"three": b"3"}
    message = line(read_members, archive, ["four"], "file", "an archive")
    assert message == "file: expected the member four, found none"


@pytest.mark.parametrize("kind", PACK)
def test_member_larger_than_an_archive_may_hold_is_refused(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "LARGEST", 5000)
    message = line(read_members, io.BytesIO(PACK[kind]()), ["a/one.bin"], "file", "an archive")
    assert message.startswith("file: expected ") and "5,000 bytes" in message


def test_small_archive_may_hold_64_mb_and_a_large_one_100_times_its_size() -> None:
    sizes = {1_000: 64 << 20, 10 << 20: 1000 << 20, 1 << 30: 2 << 30}
    assert {size: archives._most(size) for size in sizes} == sizes


def test_stored_archive_is_read_whole_and_a_packed_one_refused() -> None:
    assert read_stored(zipped(zipfile.ZIP_STORED)) == MEMBERS
    with pytest.raises(ValueError, match="compressed entries"):
        read_stored(zipped(zipfile.ZIP_DEFLATED))
