"""Data sets by source: each is a class of parameters and a stream of images and labels."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gfmn import prepared
from gfmn.config import nearest
from gfmn.datasets import digits, photos
from gfmn.errors import InputError

DatasetConfig = photos.Photos | digits.Digits
SOURCES: dict[str, tuple[type[DatasetConfig], Callable[[Any], Iterator[prepared.Chunk]]]] = {
    "photos": (photos.Photos, photos.chunks),
    "digits": (digits.Digits, digits.chunks),
}


def parse(data: Any, where: str) -> DatasetConfig:
    """The parameters of one data set; its `source` says which class they are checked against."""
    source = data.get("source") if isinstance(data, Mapping) else None
    if source not in SOURCES:
        raise InputError(f"{where}.source: unknown {source!r}; {nearest(str(source), SOURCES)}")
    return SOURCES[source][0].parse(data, where)


def prepare(config: DatasetConfig, name: str, folder: Path) -> None:
    """Write the data set to `folder`: the same parameters give the same bytes."""
    about = {"name": name, **config.model_dump(mode="json")}
    stream = SOURCES[config.source][1](config)
    prepared.write(folder, stream, config.count, config.image_size, about)
