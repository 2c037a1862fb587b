"""A prepared data set on disk: `images.npy`, `labels.npy` where there are any, `meta.json`."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gfmn.errors import InputError

Chunk = tuple[np.ndarray, np.ndarray | None]


@dataclass(frozen=True)
class Prepared:
    """A prepared data set, opened: nothing is read until it is sliced."""

    images: np.ndarray  # N x H x W x 3 uint8, memory-mapped
    meta: dict[str, Any]  # name, source, count, image_size, digest


def write(folder: Path, chunks: Iterable[Chunk], count: int, image_size: int, about: Any) -> None:
    """Write a stream of chunks (n x H x W x 3 uint8, and n integer labels or None).

    `meta.json`, with the digest of the images, comes last: a folder without it is unfinished.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "meta.json").unlink(missing_ok=True)
    shape = (count, image_size, image_size, 3)
    images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, shape)
    labels: list[np.ndarray] = []
    digest, done = hashlib.sha256(), 0
    for pictures, classes in chunks:
        images[done : done + len(pictures)] = pictures
        digest.update(pictures.tobytes())
        done += len(pictures)
        if classes is not None:
            labels.append(classes.astype(np.int64))
    if done != count:
        raise InputError(f"{folder}: expected {count} images from the source, found {done}")
    images.flush()
    if labels:
        np.save(folder / "labels.npy", np.concatenate(labels))
    meta = {**about, "count": count, "image_size": image_size, "digest": digest.hexdigest()}
    (folder / "meta.json").write_text(json.dumps(meta, indent=2, sort_keys=True) + "\n")


def read(folder: Path) -> Prepared:
    """Open a prepared data set; a missing, unfinished or truncated one is an `InputError`."""
    try:
        meta = json.loads((folder / "meta.json").read_text())
        count, size = int(meta["count"]), int(meta["image_size"])
    except FileNotFoundError:
        raise InputError(
            f"{folder / 'meta.json'}: expected a prepared data set, found no file"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder / 'meta.json'}: expected its description, found {error}"
        ) from None
    path = folder / "images.npy"
    try:
        images = np.load(path, mmap_mode="r")
    except (FileNotFoundError, ValueError, EOFError) as error:
        raise InputError(f"{path}: expected {count} images, found {error}") from None
    if images.shape != (count, size, size, 3) or images.dtype != np.uint8:
        raise InputError(
            f"{path}: expected {count} x {size} x {size} x 3 uint8, "
            f"found {' x '.join(map(str, images.shape))} {images.dtype}"
        )
    return Prepared(images, meta)
