"""What all sources share: parameters of a data set, and how its images are handed over.

A new source is a file with a class derived from `ImageSource` (or `GeneratedSource`), registered
under its name, and the import of that file in `gfmn/sources/__init__.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Self

from pydantic import Field

from gfmn.common.bounds import IMAGES, SIDE
from gfmn.common.config import Config
from gfmn.common.errors import InputError
from gfmn.common.registry import Registry
from gfmn.datasets.prepared import Chunks
from gfmn.sources.decode import RawImage


class Source(Config):
    """Parameters of a data set, whichever its source."""

    source: str  # a name in `SOURCES`
    image_size: int = Field(32, ge=8, le=SIDE)  # pixels a side


class GeneratedSource(Source, ABC):
    """A data set made from images inside installed packages."""

    @abstractmethod
    def chunks(self) -> Chunks:
        """Images, n x S x S x 3 uint8, and their n labels or None."""


class ImageSource(Source, ABC):
    """A data set read image by image; of its parameters, `workers` alone never changes bytes."""

    # Pixels a side of the center that is kept, then scaled.
    crop: int | None = Field(None, ge=8, le=16 * SIDE)
    flips: bool = False  # every image is followed by its mirror image
    limit: int | None = Field(None, ge=1, le=IMAGES)  # images: the first so many of the source
    broken: Literal["fail", "skip"] = "fail"  # what becomes of an image that cannot be read
    workers: int = Field(2, ge=0, le=256)  # processes that decode; 0 or 1: this process does

    @classmethod
    def parse(cls, data: Any, where: str) -> Self:
        """As any `Config`; a crop that would not be used is an `InputError` too."""
        config = super().parse(data, where)
        if config.crop is not None and config.crop <= config.image_size:
            expected = f"expected more than image_size ({config.image_size})"
            raise InputError(f"{where}.crop: {expected}, or null, found {config.crop}")
        return config

    @abstractmethod
    def open(self, where: str) -> "Items":
        """The images, not yet decoded.

        What is wrong with the source as a whole is an `InputError` that begins with `where`; what
        is wrong with one image is a `BrokenImageError` in its place.
        """


class Item(NamedTuple):
    """One image of a source, not yet decoded, and its label."""

    name: str  # where it is, for errors
    raw: RawImage
    label: int | None


@dataclass(frozen=True)
class Items:
    """The images of an opened source: read one by one, once, in an order that never changes."""

    items: Iterable[Item]
    total: int  # images, for the progress shown
    classes: tuple[str, ...] | None = None  # names of the labels 0, 1, ...
    unread: tuple[str, ...] = ()  # images of formats that are not read, which count as skipped


SOURCES = Registry[type[Source]]()  # by the name that the parameter `source` gives
