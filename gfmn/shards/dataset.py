"""A prepared data set in shards: folders `00000`, `00001`, ..., each a prepared data set itself.

The digest of the whole is that of its shards' digests, in whatever order they come.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gfmn.common import json_reader
from gfmn.common.bounds import COUNT
from gfmn.common.errors import InputError
from gfmn.datasets import prepared
from gfmn.datasets.prepared import PreparedDataset

SHARDS = "shards"  # the key of `meta.json` that ordinary data sets have not


@dataclass(frozen=True)
class Shard:
    """One of them, as the data set's `meta.json` describes it."""

    name: str  # of the file that it was made of
    count: int  # images
    digest: str  # sha256 of the images' bytes
    folder: Path

    def open(self) -> PreparedDataset:
        """Its images; `InputError` where it is missing, damaged, or of another count."""
        data = prepared.read(self.folder)
        if len(data.images) != self.count:
            found = f"found {len(data.images)}"
            raise InputError(f"{self.folder} ({self.name}): expected {self.count} images, {found}")
        return data

    def verified(self) -> PreparedDataset:
        """The same, read through once; `InputError` too where the images are not those."""
        data = self.open()
        digest = images_digest(data.images)
        if digest != self.digest:
            digests = f"expected images of sha256 {self.digest:.12}, found {digest:.12}"
            raise InputError(f"{self.folder} ({self.name}): {digests}: this shard has changed")
        return data


@dataclass(frozen=True)
class ShardedDataset:
    """A data set of which one shard at a time is opened."""

    shards: tuple[Shard, ...]
    metadata: dict[str, Any]  # of `meta.json`: as of any data set, and the shards
    folder: Path

    def check(self) -> None:
        """Raise `InputError` for the first shard that is missing or is not as described."""
        for shard in self.shards:
            data = shard.open()
            if shard.count < 2:
                expected = "expected at least 2 images, as a variance needs"
                raise InputError(f"{shard.folder} ({shard.name}): {expected}, found {shard.count}")
            if data.images.shape[1] != self.metadata["image_size"]:
                expected = f"expected images of {self.metadata['image_size']} px"
                raise InputError(f"{shard.folder}: {expected}, found {data.images.shape[1]} px")


def images_digest(images: np.ndarray) -> str:
    """What `meta.json` calls the digest of N x S x S x 3 uint8 images."""
    digest = hashlib.sha256()
    for start in range(0, len(images), 4096):  # so that a map need not be in memory as a whole
        digest.update(np.ascontiguousarray(images[start : start + 4096]).data)
    return digest.hexdigest()


def joint_digest(digests: Iterable[str]) -> str:
    """The digest of a data set of shards with these digests."""
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()


def is_sharded(folder: Path) -> bool:
    """Whether a prepared data set is one in shards; `InputError` where there is none."""
    return SHARDS in json_reader.read(folder / "meta.json", "a prepared data set")


def read(folder: Path) -> ShardedDataset:
    """Open a data set in shards; a missing, unfinished or inconsistent one is an `InputError`."""
    path = folder / "meta.json"
    metadata = json_reader.read(path, "a prepared data set")
    try:
        rows = [(row["name"], row["count"], row["digest"]) for row in metadata[SHARDS]]
        kinds = {tuple(map(type, row)) for row in rows}
        if (
            kinds != {(str, int, str)}
            or len(rows) > COUNT
            or type(metadata["image_size"]) is not int
        ):
            raise ValueError("rows of another kind")
        whole = (sum(count for _, count, _ in rows), joint_digest(digest for *_, digest in rows))
        if whole != (metadata["count"], metadata["digest"]):
            raise ValueError("a count or a digest that is not that of the shards")
    except (KeyError, TypeError, ValueError) as error:
        expected = "expected the name, count and digest of every shard"
        raise InputError(f"{path}: {expected}, found {error}") from None
    shards = (Shard(*row, folder_of(folder, i)) for i, row in enumerate(rows))
    return ShardedDataset(tuple(shards), metadata, folder)


def folder_of(folder: Path, number: int) -> Path:
    """Where a shard lies."""
    return folder / f"{number:05}"
