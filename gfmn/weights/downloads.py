"""A file behind a URL: resumed where it broke off, finished only with the right hash."""

import http.client
import re
import urllib.error
import urllib.request
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from gfmn.common.errors import InputError
from gfmn.common.progress import Progress
from gfmn.weights.sources import verify, way_out

ATTEMPTS = 3  # that bring nothing new, one after the other
SECONDS = 30  # without a byte, after which a connection counts as broken
CHUNK = 1 << 20  # bytes


def download(url: str, expected: str, folder: Path, where: str) -> bytes:
    """The bytes behind `url` (http, https, file), whose sha256 begins with `expected`.

    What has arrived stands in `folder` as `<hash>-<name>.partial` until the download is whole and
    verified, and is where the next call goes on; it is then removed, and so is an empty folder.
    `where` begins every error, an `InputError`: no network, 404, a wrong hash.
    """
    partial = folder / f"{expected[:16]}-{file_name(url)}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        resumed = _complete(url, partial, expected, where)
        data = partial.read_bytes()
        if resumed and not _right(data, expected):  # the beginning may be another file's
            partial.unlink()
            _complete(url, partial, expected, where)
            data = partial.read_bytes()
        partial.unlink()
    except OSError as error:  # of the disk: those of the network are already put in words
        reason = error.strerror or type(error).__name__
        raise InputError(f"{where}: {partial}: expected to write {url}, found: {reason}") from None
    if not any(folder.iterdir()):
        folder.rmdir()
    verify(data, expected, f"{where}: {url}", way_out(where, file_name(url)))
    return data


def file_name(url: str) -> str:
    """The last part of a URL's path, fit to be a file's name."""
    last = PurePosixPath(unquote(urlsplit(url).path)).name
    return re.sub(r"[^A-Za-z0-9._-]", "_", last)[-100:] or "file"


def _right(data: bytes, expected: str) -> bool:
    try:
        verify(data, expected, "")
    except InputError:
        return False
    return True


def _complete(url: str, partial: Path, expected: str, where: str) -> bool:
    """Fill the partial file up to the length that the server says; was it there before?"""
    resumed, failures = _size(partial) > 0, 0
    while True:
        before = _size(partial)
        try:
            _receive(url, partial)
            return resumed
        except _BrokenError as broken:
            failures = 0 if _size(partial) > before else failures + 1
            if broken.final or failures == ATTEMPTS:
                raise InputError(
                    f"{where}: expected {url} with sha256 {expected}, found: {broken}"
                    f"{way_out(where, file_name(url))}"
                ) from None


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


class _BrokenError(Exception):
    """A transfer that did not end well; `final` where another attempt would meet the same."""

    def __init__(self, reason: object, final: bool = False) -> None:
        super().__init__(" ".join(str(reason).split()) or type(reason).__name__)
        self.final = final


def _receive(url: str, partial: Path) -> None:
    """One connection: append to the partial file, or begin it anew where the server does."""
    have = _size(partial)
    request = urllib.request.Request(url, headers={"User-Agent": "gfmn"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing beyond what is here: whole, or of another file
            partial_end = re.fullmatch(r"bytes \*/(\d+)", error.headers.get("Content-Range", ""))
            if partial_end is None or int(partial_end[1]) != have:
                partial.unlink()
                raise _BrokenError("a server that refuses to resume") from None
            return
        final = 400 <= error.code < 500 and error.code not in (408, 429)
        raise _BrokenError(f"HTTP status {error.code} {error.reason}", final) from None
    except urllib.error.URLError as error:
        reason = getattr(error.reason, "strerror", None) or error.reason
        raise _BrokenError(reason, final=isinstance(error.reason, FileNotFoundError)) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _BrokenError(getattr(error, "strerror", None) or error) from None
    with response:
        start = re.match(r"bytes (\d+)-", response.headers.get("Content-Range") or "")
        goes_on = response.status == 206 and start is not None and int(start[1]) == have
        length = response.headers.get("Content-Length")
        length = int(length) if length and length.isdigit() else None
        _copy(response, partial, have if goes_on else 0, length)


def _copy(response: http.client.HTTPResponse, partial: Path, have: int, length: int | None) -> None:
    """Write a response of `length` bytes behind the `have` bytes that are already there."""
    total = None if length is None else have + length
    name = partial.stem.partition("-")[2]
    small = total is not None and total < 1_000_000
    received = have
    with (
        partial.open("ab" if have else "wb") as file,
        Progress(name, (total or 0) // 1_000_000, "MB", silent=small) as progress,
    ):
        progress.skip(have // 1_000_000)
        while True:
            try:
                chunk = response.read(CHUNK)
            except (OSError, http.client.HTTPException) as error:
                raise _BrokenError(f"{error!r} after {received} bytes") from None
            if not chunk:
                break
            file.write(chunk)
            progress.advance((received + len(chunk)) // 1_000_000 - received // 1_000_000)
            received += len(chunk)
    if total is not None and received < total:
        raise _BrokenError(f"an end after {received} of {total} bytes")
