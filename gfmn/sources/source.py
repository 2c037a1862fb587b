"""What all sources of pictures share: their parameters, and what they hand over."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Self

from pydantic import Field

from gfmn.common.config import Config
from gfmn.common.errors import InputError
from gfmn.sources.image_files import Raw


class Pictures(Config):
    """Parameters of every source of pictures; `workers` alone never changes the bytes."""

    source: str
    image_size: int = Field(32, ge=8)  # pixels a side
    crop: int | None = Field(None, ge=8)  # side in pixels of the centre that is kept, then scaled
    flips: bool = False  # every image is followed by its mirror image
    limit: int | None = Field(None, ge=1)  # the first so many pictures of the source
    broken: Literal["fail", "skip"] = "fail"  # what becomes of a picture that cannot be read
    workers: int = Field(2, ge=0, le=256)  # processes that decode; 0 or 1: this process does

    @classmethod
    def parse(cls, data: Any, where: str) -> Self:
        """As any `Config`; a crop that would not be used is an `InputError` too."""
        config = super().parse(data, where)
        if config.crop is not None and config.crop <= config.image_size:
            expected = f"expected more than image_size ({config.image_size})"
            raise InputError(f"{where}.crop: {expected}, or null, found {config.crop}")
        return config


class Item(NamedTuple):
    """One picture of a source, not yet decoded."""

    name: str  # where it is, for a person
    raw: Raw
    label: int | None


@dataclass(frozen=True)
class Source:
    """An opened source; its items are read one by one, once, in an order that never changes."""

    items: Iterable[Item]
    total: int  # pictures, for the progress shown
    classes: tuple[str, ...] | None = None  # names of the labels 0, 1, ...
