"""Downloads through torchvision; a failure is one line that says what to put where."""

import http.client
import importlib
import socket
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gfmn.common.config import suggest
from gfmn.common.errors import InputError

TIMEOUT = 60  # seconds without an answer from a server
FAILURES = (
    OSError,  # every error of urllib, of sockets and of disks
    RuntimeError,  # torchvision's: a wrong hash, a missing gdown
    http.client.HTTPException,
    tarfile.TarError,
    zipfile.BadZipFile,
    EOFError,
    ValueError,
)


def dataset_class(name: str, where: str) -> Any:
    """A class of `torchvision.datasets`; an unknown name is an `InputError` with the closest."""
    module = importlib.import_module("torchvision.datasets")
    if name not in module.__all__:
        raise InputError(f"{where}.class: unknown {name!r}; {suggest(name, module.__all__)}")
    return getattr(module, name)


def torchvision_utils() -> Any:
    """`torchvision.datasets.utils`: downloads, hashes, archives."""
    return importlib.import_module("torchvision.datasets.utils")


@contextmanager
def downloading(where: str, wanted: str, folder: Path) -> Iterator[None]:
    """Context in which every failure of a download becomes an `InputError`.

    It begins with `where`, names what was `wanted` (file, address, hash), the reason, and the
    `folder` in which to put the files.
    """
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)  # torchvision sets none
    try:
        yield
    except InputError:
        raise
    except FAILURES as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{where}: expected {wanted}, found: {reason}; without a network put it in {folder}"
        ) from None
    finally:
        socket.setdefaulttimeout(before)


def intact(path: Path, md5: str) -> bool:
    """Whether the file exists and has this hash."""
    return bool(torchvision_utils().check_integrity(path, md5))
