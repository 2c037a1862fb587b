"""A file behind a URL, by pooch: whole and with the right hash, or not at all."""

import re
import sys
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import url2pathname

from pooch import HTTPDownloader

from gfmn.common.errors import InputError
from gfmn.weights.hashes import copy_hint, verify

ATTEMPTS = 3
SECONDS = 30  # without a byte, after which a connection counts as broken
CHUNK = 1 << 20  # bytes
# A server that compresses what it sends would change the bytes that are hashed.
HEADERS = {"User-Agent": "gfmn", "Accept-Encoding": "identity"}
PASSING = (408, 429)  # of the statuses from 400 to 499, those that may be gone a moment later


def download(url: str, expected: str, folder: Path, where: str, **options: Any) -> bytes:
    """The bytes behind `url` (http, https, file), whose sha256 begins with `expected`.

    `folder` holds the file while it arrives, as `<hash>-<name>.partial`. `options` are those of
    `requests.get`, such as `verify`. `where` begins every error, an `InputError`: no network, 404,
    a wrong hash, a full disk.
    """
    name, shown = file_name(url), without_secrets(url)
    partial = folder / f"{expected[:16]}-{name}.partial"
    try:
        path = local_path(url)
        if path is None:
            folder.mkdir(parents=True, exist_ok=True)
            _receive(url, partial, options)
        data = (path or partial).read_bytes()
    except OSError as error:  # of the disk or, as requests' errors are, of the network
        raise InputError(
            f"{where}: expected {shown} with sha256 {expected}, found: {reason(error)}"
            f"{copy_hint(where, name)}"
        ) from None
    finally:
        if partial.is_file():
            partial.unlink()
    verify(data, expected, f"{where}: {shown}", copy_hint(where, name))
    return data


def _receive(url: str, path: Path, options: dict[str, Any]) -> None:
    receive = HTTPDownloader(
        progressbar=sys.stderr.isatty(),
        chunk_size=CHUNK,
        timeout=SECONDS,
        headers=HEADERS,
        **options,
    )
    for attempt in range(1, ATTEMPTS + 1):
        try:
            receive(url, path, None)
            return
        except OSError as error:
            status = _status(error)
            final = status is not None and 400 <= status < 500 and status not in PASSING
            if final or attempt == ATTEMPTS:
                raise


def reason(error: BaseException) -> str:
    """What went wrong at the bottom, in one line; the libraries' own words repeat whole URLs."""
    status = _status(error)
    if status is not None:
        return f"HTTP status {status}"
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    text = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
    return " ".join(str(text).split())[:200]


def _status(error: BaseException) -> int | None:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def local_path(url: str) -> Path | None:
    """The path that a `file:` URL names; None for any other URL."""
    parts = urlsplit(url)
    return Path(url2pathname(parts.path)) if parts.scheme == "file" else None


def file_name(url: str) -> str:
    """The last part of a URL's path, fit to be a file's name."""
    last = PurePosixPath(unquote(urlsplit(url).path)).name
    return re.sub(r"[^A-Za-z0-9._-]", "_", last)[-100:] or "file"


def without_secrets(url: str) -> str:
    """A URL without user, password and query, as errors may show it."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
