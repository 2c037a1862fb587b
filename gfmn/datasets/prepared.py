"""A prepared data set on disk: `images.npy`, `labels.npy` where there are any, `meta.json`."""

import hashlib
import json
import math
import os
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from gfmn.common import json_reader
from gfmn.common.array_files import open_array
from gfmn.common.errors import InputError

# Images, n x S x S x 3 uint8, and their n labels or None.
Chunk = tuple[np.ndarray, np.ndarray | None]
Chunks = Generator[Chunk, None, None]  # of a data set, in its order


@dataclass(frozen=True)
class PreparedDataset:
    """A prepared data set, opened; images and labels are read from disk as they are sliced."""

    images: np.ndarray  # N x H x W x 3 uint8, memory-mapped
    metadata: dict[str, Any]  # of `meta.json`: name, source, count, image_size, digest, ...
    folder: Path | None = None

    @property
    def labels(self) -> np.ndarray | None:
        """N int64, memory-mapped, or None without any; `InputError` for others than N int64."""
        path = None if self.folder is None else self.folder / "labels.npy"
        if path is None or not self.metadata.get("labels", path.exists()):
            return None
        count = len(self.images)
        labels = open_array(path, expected=f"{count} labels")
        if labels.shape != (count,) or labels.dtype != np.int64:
            raise InputError(f"{path}: expected {count} int64 labels, found {_shape(labels)}")
        return labels

    def split(self, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The function `split` of these images; an image and its mirror image stay together."""
        return split(len(self.images), share, seed, 2 if self.metadata.get("flips") else 1)


def split(count: int, share: float, seed: int, group: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Indices of about `share` of `count` images, drawn by a seed, and of the others; sorted.

    `group`: number of consecutive images that stay together, as an image and its mirror image.
    """
    order = np.random.default_rng((seed, 0)).permutation(count // group)
    held = max(1, round(share * len(order)))
    parts = (np.sort(order[:held]), np.sort(order[held:]))
    first, second = ((group * part[:, None] + np.arange(group)).ravel() for part in parts)
    return first, second


class Writer:
    """Writes a prepared data set chunk by chunk: `add` as often as needed, then `finish`.

    `meta.json` of an earlier data set is removed first, the new one is written last, atomically: a
    folder without it is unfinished. The number of images need not be known in advance.
    """

    def __init__(self, folder: Path, image_size: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("meta.json", "labels.npy"):
            (folder / name).unlink(missing_ok=True)
        self.folder, self.image_size = folder, image_size
        self.images = _Growing(folder / "images.npy", np.uint8, (image_size, image_size, 3))
        self.labels: _Growing | None = None
        self.digest = hashlib.sha256()
        self.sums, self.squares = [0, 0, 0], [0, 0, 0]

    def add(self, images: np.ndarray, labels: np.ndarray | None) -> None:
        """Append n x S x S x 3 uint8 images and their n integer labels; labels to all or none."""
        if labels is not None and not self.images.count:
            self.labels = _Growing(self.folder / "labels.npy", np.int64, ())
        if (labels is None) != (self.labels is None):
            raise InputError(f"{self.folder}: expected labels of all images or of none, found both")
        images = np.ascontiguousarray(images)
        self.images.append(images)
        self.digest.update(images.data)
        if labels is not None and self.labels is not None:
            self.labels.append(labels.astype(np.int64))
        flat = images.reshape(len(images), -1)
        squares = np.square(flat, dtype=np.uint16)  # 255 squared still fits
        for total, values in ((self.sums, flat), (self.squares, squares)):
            by_channel = values.sum(0, dtype=np.uint64).reshape(-1, 3).sum(0)
            total[:] = [old + int(new) for old, new in zip(total, by_channel, strict=True)]

    def finish(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Write `meta.json` and return its content: the parameters, and what describes the images.

        These are `count`, `labels` (whether there are any), the sha256 `digest` of the images'
        bytes, and each channel's `mean` and `std` over all pixels in [0, 1].
        """
        count = self.images.count
        if not count:
            raise InputError(f"{self.folder}: expected images from the source, found none")
        self.images.finish()
        if self.labels is not None:
            if self.labels.count != count:
                raise InputError(
                    f"{self.folder}: expected {count} labels, found {self.labels.count}"
                )
            self.labels.finish()
        pixels = count * self.image_size**2
        moments = list(zip(self.sums, self.squares, strict=True))
        metadata = {
            **parameters,
            "count": count,
            "image_size": self.image_size,
            "labels": self.labels is not None,
            "digest": self.digest.hexdigest(),
            "mean": [round(total / pixels / 255, 6) for total, _ in moments],
            "std": [  # in integers until the root: nothing cancels
                round(math.sqrt(pixels * square - total**2) / pixels / 255, 6)
                for total, square in moments
            ],
        }
        part = self.folder / "meta.json.part"
        with part.open("w") as file:
            file.write(json.dumps(metadata, indent=2, sort_keys=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.folder / "meta.json")
        return metadata

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for array in filter(None, (self.images, self.labels)):
            array.file.close()


class _Growing:
    """An `.npy` file whose first axis grows; the header is correct once `finish` was called."""

    def __init__(self, path: Path, dtype: type[np.generic], inner: tuple[int, ...]) -> None:
        self.path, self.dtype, self.inner, self.count = path, np.dtype(dtype), inner, 0
        path.unlink(missing_ok=True)  # not truncated: a reader may have it mapped
        self.file = path.open("wb")
        self._header()
        self.start = self.file.tell()

    def _header(self) -> None:
        shape = (self.count, *self.inner)
        header = {"descr": self.dtype.str, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self.file, header)

    def append(self, rows: np.ndarray) -> None:
        if rows.shape[1:] != self.inner or rows.dtype != self.dtype:
            raise ValueError(f"expected rows of {self.inner} {self.dtype}, got {_shape(rows)}")
        try:
            self.file.write(rows.data)
        except OSError as error:
            found = f"{self.count} images and then: {error.strerror}"
            raise InputError(f"{self.path}: expected room for all images, found {found}") from None
        self.count += len(rows)

    def finish(self) -> None:
        self.file.seek(0)
        self._header()  # numpy pads it, so that the first axis can grow
        if self.file.tell() != self.start:
            raise RuntimeError(f"{self.path}: the header outgrew its padding")
        self.file.flush()
        os.fsync(self.file.fileno())


def read(folder: Path) -> PreparedDataset:
    """Open a prepared data set; a missing, unfinished or truncated one is an `InputError`."""
    metadata = json_reader.read(folder / "meta.json", "a prepared data set")
    try:
        count, size = int(metadata["count"]), int(metadata["image_size"])
    except (ValueError, LookupError, TypeError, OverflowError) as error:
        raise InputError(
            f"{folder / 'meta.json'}: expected its description, found {error}"
        ) from None
    path = folder / "images.npy"
    images = open_array(path, expected=f"{count} images")
    if images.shape != (count, size, size, 3) or images.dtype != np.uint8:
        raise InputError(
            f"{path}: expected {count} x {size} x {size} x 3 uint8, found {_shape(images)}"
        )
    return PreparedDataset(images, metadata, folder)


def _shape(array: np.ndarray) -> str:
    return f"{' x '.join(map(str, array.shape))} {array.dtype}"
