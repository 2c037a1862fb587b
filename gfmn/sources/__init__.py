"""Data sets by source: a class of parameters each, and the images that it reads or makes."""

from contextlib import closing
from pathlib import Path
from typing import Any

from gfmn.common.bounds import COUNT
from gfmn.common.config import choose
from gfmn.common.progress import Progress
from gfmn.common.text import without_secrets
from gfmn.datasets import prepared
from gfmn.sources import (  # noqa: F401 - each registers its source
    celeba,
    cifar10,
    digits,
    image_folder,
    imagenet32,
    lsun,
    npy,
    parquet,
    photos,
    stl10,
    torchvision_datasets,
    webdataset,
)
from gfmn.sources.base import SOURCES, GeneratedSource, ImageSource, Item, Items, Source
from gfmn.sources.decode_pool import Skipped, decoded_chunks
from gfmn.sources.sharded import ShardedSource

__all__ = [
    "SOURCES",
    "GeneratedSource",
    "ImageSource",
    "Item",
    "Items",
    "ShardedSource",
    "Source",
    "parse",
    "prepare",
]


PATHS = ("path", "labels_path", "root")  # parameters that may have a user's name in them


def parse(data: Any, where: str) -> Source:
    """The parameters of one data set; its `source` says which class they are checked against."""
    return choose(data, where, "source", SOURCES).parse(data, where)


def prepare(
    config: Source, name: str, folder: Path, where: str | None = None, silent: bool = False
) -> dict[str, Any]:
    """Write the data set to `folder`: the same parameters give the same bytes.

    `where` begins every error, an `InputError`: the parameter `datasets.<name>` by default.
    `silent`: no progress is shown.
    Returns the content of `meta.json`: the parameters, `count`, `labels`, `classes`, `skipped`
    images (`count` and the first names), the images' `digest`, `mean` and `std`.
    """
    where = f"datasets.{name}" if where is None else where
    skipped, classes = Skipped(), None
    if isinstance(config, ImageSource):
        opened = config.open(where)
        classes = opened.classes
        for unread in opened.unread:
            skipped.add(unread)
        chunks = _decoded(config, opened, name, where, skipped, silent)
    else:
        assert isinstance(config, GeneratedSource)
        chunks = config.chunks()
    parameters = shared_parameters(config)
    with prepared.Writer(folder, config.image_size) as writer, closing(chunks):
        for images, labels in chunks:
            writer.add(images, labels)
        return writer.finish(
            {
                "name": name,
                **parameters,
                "classes": None if classes is None else list(classes),
                "skipped": {"count": skipped.count, "names": skipped.names},
            }
        )


def shared_parameters(config: Source) -> dict[str, Any]:
    """Those that `meta.json` has: what changes images, without a user's own folders."""
    parameters = config.model_dump(mode="json", by_alias=True, exclude={"workers", "shards"})
    shared = {key: _shared(value) for key, value in parameters.items() if key in PATHS}
    return parameters | shared


def _shared(path: str | None) -> str | None:
    """A path or URL as colleagues may see it: of one outside the study's folders the last part."""
    absolute = path is not None and Path(path).expanduser().is_absolute()
    return Path(path or "").name if absolute else path and without_secrets(path)


def _decoded(
    config: ImageSource, opened: Items, name: str, where: str, skipped: Skipped, silent: bool
) -> prepared.Chunks:
    total = min(opened.total, config.limit or opened.total)
    with Progress(f"prepare {name}", total, "images", silent=silent) as progress:
        classes = len(opened.classes) if opened.classes else COUNT
        yield from decoded_chunks(opened.items, config, where, skipped, progress.advance, classes)
