"""Data sets by source: each is a class of parameters and a stream of images and labels."""

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.common.progress import Progress
from gfmn.datasets import prepared
from gfmn.sources import (
    celeba,
    cifar10,
    digits,
    driver,
    imagenet32,
    lsun,
    npy,
    parquet,
    photos,
    stl10,
    torchvision_class,
    tree,
)
from gfmn.sources.source import Pictures, Source

DatasetConfig = photos.Photos | digits.Digits | Pictures
# Made here, from packages that are installed anyhow.
MADE: dict[str, tuple[type[photos.Photos | digits.Digits], Callable[[Any], Any]]] = {
    "photos": (photos.Photos, photos.chunks),
    "digits": (digits.Digits, digits.chunks),
}
# Read from files, picture by picture.
READ: dict[str, tuple[type[Pictures], Callable[[Any, str], Source]]] = {
    "cifar10": (cifar10.Cifar10, cifar10.open_source),
    "stl10": (stl10.Stl10, stl10.open_source),
    "celeba": (celeba.Celeba, celeba.open_source),
    "lsun": (lsun.Lsun, lsun.open_source),
    "imagenet32": (imagenet32.Imagenet32, imagenet32.open_source),
    "folder": (tree.Folder, tree.open_source),
    "parquet": (parquet.Parquet, parquet.open_source),
    "npy": (npy.Npy, npy.open_source),
    "torchvision": (torchvision_class.Torchvision, torchvision_class.open_source),
}


def parse(data: Any, where: str) -> DatasetConfig:
    """The parameters of one data set; its `source` says which class they are checked against."""
    source = data.get("source") if isinstance(data, Mapping) else None
    if source in MADE:
        return MADE[source][0].parse(data, where)
    if source in READ:
        return READ[source][0].parse(data, where)
    known = [*MADE, *READ]
    raise InputError(f"{where}.source: unknown {source!r}; {suggest(str(source), known)}")


def prepare(
    config: DatasetConfig, name: str, folder: Path, where: str | None = None
) -> dict[str, Any]:
    """Write the data set to `folder`: the same parameters give the same bytes.

    `where` begins every error, an `InputError`: the parameter `datasets.<name>` by default.
    Returns what `meta.json` says: the parameters, `count`, `labels`, `classes`, `skipped` pictures
    (`count` and the first names), the images' `digest`, `mean` and `std`.
    """
    where = f"datasets.{name}" if where is None else where
    # Processes change nothing that is written.
    about = {"name": name, **config.model_dump(mode="json", by_alias=True, exclude={"workers"})}
    skipped, classes = driver.Skipped(), None
    if isinstance(config, Pictures):
        source = READ[config.source][1](config, where)
        classes = source.classes
        stream = _read(config, source, name, where, skipped)
    else:
        stream = (chunk for chunk in MADE[config.source][1](config))
    with prepared.Writer(folder, config.image_size) as writer, closing(stream):
        for images, labels in stream:
            writer.add(images, labels)
        about["classes"] = None if classes is None else list(classes)
        about["skipped"] = {"count": skipped.count, "names": skipped.names}
        return writer.finish(about)


def _read(
    config: Pictures, source: Source, name: str, where: str, skipped: driver.Skipped
) -> Generator[prepared.Chunk, None, None]:
    total = min(source.total, config.limit or source.total)
    with Progress(f"prepare {name}", total, "images") as progress:
        yield from driver.chunks(source.items, config, where, skipped, progress.advance)
