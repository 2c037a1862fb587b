"""The kinds of source that weights may have, each pinned by a hash."""

import hashlib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from gfmn.common.config import Config, choose
from gfmn.common.errors import InputError

SHA256 = r"^[0-9a-f]{64}$"


class Pinned(Config):
    """What the sources that are downloaded share."""

    licence: str
    path: str | None = None  # a local copy of the file, in place of the download

    @property
    def provenance(self) -> dict[str, Any]:
        """Every field that is given, but `path`: a local copy with the right hash is the same."""
        return self.model_dump(exclude={"path"}, exclude_none=True)


class PackageFile(Pinned):
    """One file inside one package of the Python package index, pinned twice by sha256."""

    package: str = Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")
    version: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.!+_-]*$")
    kind: Literal["wheel", "sdist"]
    package_sha256: str = Field(pattern=SHA256)  # of the archive
    member: str = Field(min_length=1)  # path inside the archive
    sha256: str = Field(pattern=SHA256)  # of the member

    @property
    def label(self) -> str:
        """What an error calls the file."""
        return self.member


class LocalFile(Config):
    """A file of this machine, relative to the study's folder."""

    kind: Literal["file"]
    path: str = Field(min_length=1)
    sha256: str = Field(pattern=SHA256)
    licence: str

    @property
    def label(self) -> str:
        """What an error calls the file."""
        return self.path

    @property
    def provenance(self) -> dict[str, Any]:
        """The path's last part stands for it: the same file elsewhere is the same file."""
        facts = self.model_dump(exclude={"path"})
        return {**facts, "file": Path(self.path).name}


class WebFile(Pinned):
    """A file behind a URL."""

    kind: Literal["url"]
    url: str = Field(pattern=r"^(https?://|file:///)[!-~]+$")  # no blanks, ASCII alone
    sha256: str = Field(pattern=SHA256)

    @property
    def label(self) -> str:
        """What an error calls the file."""
        return self.url


class TorchvisionWeights(Pinned):
    """Weights that torchvision lists for the model that the architecture names."""

    kind: Literal["torchvision"]
    weights: str = Field(min_length=1)  # as `IMAGENET1K_V1`
    # Torchvision publishes the first eight digits, in the file's name.
    sha256: str = Field(pattern=r"^[0-9a-f]{8,64}$")

    @property
    def label(self) -> str:
        """What an error calls the file."""
        return f"torchvision's {self.weights}"


class TimmWeights(Pinned):
    """Weights that timm lists for the model that the architecture names."""

    kind: Literal["timm"]
    sha256: str = Field(pattern=SHA256)
    revision: str | None = Field(None, pattern=r"^[0-9a-f]{7,40}$")  # a commit on the hub

    @property
    def label(self) -> str:
        """What an error calls the file."""
        return "timm's weights"


Source = PackageFile | LocalFile | WebFile | TorchvisionWeights | TimmWeights
KINDS: dict[str, type[Source]] = {
    "wheel": PackageFile,
    "sdist": PackageFile,
    "file": LocalFile,
    "url": WebFile,
    "torchvision": TorchvisionWeights,
    "timm": TimmWeights,
}


def parse(data: Any, where: str) -> Source:
    """The parameters of one source; its `kind` says which class they are checked against."""
    return choose(data, where, "kind", KINDS).parse(data, where)


def digest(data: bytes) -> str:
    """The sha256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def verify(data: bytes, expected: str, name: str, way_out: str = "") -> None:
    """Raise `InputError` unless the sha256 begins with `expected`, which may be all of it."""
    found = digest(data)
    if not found.startswith(expected):
        says = expected if len(expected) == 64 else f"that begins with {expected}"
        raise InputError(
            f"{name}: expected sha256 {says}, found {found} ({len(data)} bytes){way_out}"
        )


def way_out(where: str, copy: str) -> str:
    """The end of a download's error: which parameter takes a local copy instead."""
    return f"; {where.rpartition(': ')[2]}.path takes a local copy of {copy} instead"
