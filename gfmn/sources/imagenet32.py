"""`imagenet32`: the downsampled ImageNet (arXiv:1707.08819) from its batches, of any side."""

import math
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np

from gfmn.common.errors import InputError
from gfmn.sources.base import ImageSource, Item, Items, register

BATCHES = {"train": [f"train_data_batch_{i}" for i in range(1, 11)], "val": ["val_data"]}
SIDES = (8, 16, 32, 64)


@register("imagenet32")
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
    batch = _read_npz(path, where) if path.suffix == ".npz" else _read_pickle(path, where)
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


def _read_npz(path: Path, where: str) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as batch:
            return {key: batch[key] for key in ("data", "labels") if key in batch}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{where}: {path}: expected an .npz file, found: {error}") from None


def _read_pickle(path: Path, where: str) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            batch = _BatchUnpickler(file, encoding="latin1").load()
    except MemoryError:
        raise
    except Exception as error:  # an unpickler raises almost anything on a damaged file
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"{where}: {path}: expected a pickled batch, found: {reason}") from None
    if not isinstance(batch, dict):
        found = type(batch).__name__
        raise InputError(f"{where}: {path}: expected a pickled dict, found {found}")
    return {k.decode("latin1") if isinstance(k, bytes) else k: v for k, v in batch.items()}


class _BatchUnpickler(pickle.Unpickler):
    """Builds numpy arrays and Python's own containers and numbers, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        plain = module.replace("numpy.core", "numpy._core")
        if (plain, name) in (
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
            ("numpy._core.multiarray", "_reconstruct"),
        ):
            return super().find_class(plain, name)
        if (plain, name) == ("numpy._core.numeric", "_frombuffer"):
            return _from_buffer
        if (plain, name) == ("_codecs", "encode"):
            return _encode
        raise pickle.UnpicklingError(f"{module}.{name}, refused")


def _from_buffer(data: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    return np.frombuffer(data, dtype).reshape(shape, order=order)


def _encode(text: str, encoding: str) -> bytes:
    if encoding != "latin1":  # as which old protocols write bytes
        raise pickle.UnpicklingError(f"text in {encoding!r}")
    return text.encode("latin1")
