"""`imagenet32`: the downsampled ImageNet (arXiv:1707.08819) from its batches, of any side."""

import math
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

import numpy as np

from gfmn.common.array_files import read_npz
from gfmn.common.errors import InputError
from gfmn.common.pickled_arrays import read_arrays
from gfmn.sources.base import SOURCES, ImageSource, Item, Items

BATCHES = {"train": [f"train_data_batch_{i}" for i in range(1, 11)], "val": ["val_data"]}
SIDES = (8, 16, 32, 64)


@SOURCES.register("imagenet32")
class Imagenet32(ImageSource):
    """1,281,167 (train) or 50,000 (val) images of 1,000 classes; a batch at a time in memory."""

    split: Literal["train", "val"] = "train"
    path: str = "data/downloads/imagenet32"  # folder of the batches, pickled or .npz

    def open(self, where: str) -> Items:
        """Batches in the order of their numbers; all must exist."""
        folder = Path(self.path).expanduser()
        paths = []
        for name in BATCHES[self.split]:
            found = [path for path in (folder / name, folder / f"{name}.npz") if path.is_file()]
            if not found:
                names = BATCHES[self.split]
                wanted = names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
                raise InputError(
                    f"{where}: {folder}: expected the batches {wanted} of the "
                    f"downsampled ImageNet (pickled or .npz), found no {name}; put them there"
                )
            paths.append(found[0])
        first, _ = read_batch(paths[0], where)
        size = sum(path.stat().st_size for path in paths)
        total = len(first) if len(paths) == 1 else size * len(first) // paths[0].stat().st_size
        return Items(_items(paths, where), total)


def _items(paths: list[Path], where: str) -> Iterator[Item]:
    for path in paths:
        images, labels = read_batch(path, where)
        for i, image in enumerate(images):
            yield Item(f"{path.name}: image {i}", np.ascontiguousarray(image), int(labels[i]))
        del images, labels  # before the next is read


def read_batch(path: Path, where: str) -> tuple[np.ndarray, np.ndarray]:
    """N x S x S x 3 uint8 and N labels from 0, of one file; `InputError` names what is wrong."""
    if path.suffix == ".npz":
        batch: dict[str, Any] = read_npz(path, ("data", "labels"), f"{where}: {path}")
    else:
        batch = _read_pickle(path, where)
    expected = f"{where}: {path}: expected"
    try:
        data, labels = np.asarray(batch["data"]), np.asarray(batch["labels"])
    except (KeyError, ValueError) as error:
        raise InputError(f"{expected} arrays `data` and `labels`, found: {error}") from None
    side = math.isqrt(data.shape[-1] // 3) if data.ndim == 2 else 0
    if data.dtype != np.uint8 or side not in SIDES or data.shape[-1] != 3 * side * side:
        shape = f"{' x '.join(map(str, data.shape))} {data.dtype}"
        raise InputError(f"{expected} N x 3072 uint8 (or of side 8, 16, 64), found {shape}")
    whole = labels.dtype.kind in "iu" and labels.shape == (len(data),)
    if not whole or (len(labels) and labels.min() < 1):
        raise InputError(f"{expected} {len(data)} labels from 1, found others")
    return data.reshape(-1, 3, side, side).transpose(0, 2, 3, 1), labels.astype(np.int64) - 1


def _read_pickle(path: Path, where: str) -> dict[str, Any]:
    name, expected = f"{where}: {path}", "a pickled batch"
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            batch = read_arrays(cast(BinaryIO, data), name, expected)
    except InputError:
        raise
    except (OSError, ValueError) as error:  # `ValueError`: an empty file
        raise InputError(f"{name}: expected {expected}, found: {error}") from None
    if not isinstance(batch, dict):
        raise InputError(f"{name}: expected a pickled dict, found {type(batch).__name__}")
    return {k.decode("latin1") if isinstance(k, bytes) else k: v for k, v in batch.items()}
