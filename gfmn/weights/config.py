"""Parameters of published networks: where their weights are from, and how the network is used."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator

from gfmn.common.bounds import COUNT, SIDE
from gfmn.common.config import Config, choose
from gfmn.common.text import LOGIN, without_secrets

SHA256 = r"^[0-9a-f]{64}$"
LIBRARIES = ("torchvision:", "timm:")  # begin the names of the libraries' own models


class Pinned(Config):
    """What the sources that are downloaded share."""

    license: str
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
    license: str

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
    def has_login(self) -> bool:
        """Whether the URL has a user's name or password in it, which no file is to repeat."""
        return bool(LOGIN.search(self.url))

    @property
    def label(self) -> str:
        """What an error calls the file; the query may be a secret, and names no other file."""
        return without_secrets(self.url)

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        try:
            assert urlsplit(url).port is None or urlsplit(url).hostname
        except (ValueError, AssertionError):
            raise ValueError("expected a URL with a host, and a port up to 65535") from None
        return url

    @property
    def provenance(self) -> dict[str, Any]:
        """As of the others, without the URL's query."""
        return {**super().provenance, "url": self.label}


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
KINDS: dict[str, type[Source]] = {  # by the parameter `kind`
    "wheel": PackageFile,
    "sdist": PackageFile,
    "file": LocalFile,
    "url": WebFile,
    "torchvision": TorchvisionWeights,
    "timm": TimmWeights,
}


class PublishedNetwork(Config):
    """A network whose weights somebody has published."""

    architecture: str
    source: Source

    @classmethod
    def parse(cls, data: Any, where: str) -> Self:
        """As any `Config`; the source is checked against the class of its `kind`."""
        if isinstance(data, Mapping) and "source" in data:
            path = f"{where}.source"
            source = choose(data["source"], path, "kind", KINDS).parse(data["source"], path)
            data = {**data, "source": source}
        return super().parse(data, where)

    @property
    def is_library_model(self) -> bool:
        """Whether the network is a library's own model, with its own names of tensors."""
        return self.architecture.startswith(LIBRARIES)

    @property
    def arguments(self) -> dict[str, Any]:
        """The architecture's, beside its name: JSON values, and only those that are given."""
        return {}


class FetchedNetwork(PublishedNetwork):
    """A published network as an extractor: what it taps, and the size at which it looks."""

    # Of a library's model; ours have their own.
    taps: Literal["stages", "activations"] | tuple[str, ...] | None = None
    resize: int | None = Field(None, ge=1, le=SIDE)  # pixels; None: images as they are

    @field_validator("taps")
    @classmethod
    def _of_a_library(cls, taps: Any, info: ValidationInfo) -> Any:
        _library_models_alone(taps, info)
        return taps

    @property
    def arguments(self) -> dict[str, Any]:
        """See the base class."""
        taps = list(self.taps) if isinstance(self.taps, tuple) else self.taps
        return _given(taps=taps, resize=self.resize)


class FetchedEvaluator(PublishedNetwork):
    """A published network in whose features images are scored."""

    # Pixels at which it looks; None: images as they are.
    resize: int | None = Field(None, ge=1, le=SIDE)
    # Of a library's model: those of its classifier; None: it has none, or it is left out.
    classes: int | None = Field(None, ge=2, le=COUNT)

    @field_validator("classes")
    @classmethod
    def _of_a_library(cls, classes: int | None, info: ValidationInfo) -> int | None:
        _library_models_alone(classes, info)
        return classes

    @property
    def arguments(self) -> dict[str, Any]:
        """See the base class; no taps are looked at."""
        arguments = _given(resize=self.resize, classes=self.classes)
        return {"taps": [], **arguments} if self.is_library_model else arguments


def _given(**arguments: Any) -> dict[str, Any]:
    return {key: value for key, value in arguments.items() if value is not None}


def _library_models_alone(value: Any, info: ValidationInfo) -> None:
    """Refuse a field that only a library's model has."""
    architecture = info.data.get("architecture", "")
    if value is not None and not architecture.startswith(LIBRARIES):
        known = " or ".join(f"{prefix}..." for prefix in LIBRARIES)
        raise ValueError(f"expected none, since {architecture!r} is not {known}")
