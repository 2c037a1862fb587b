"""`npy`: an array of images, and perhaps one of labels."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from gfmn.common.errors import InputError
from gfmn.sources.base import SOURCES, Item, Items
from gfmn.sources.class_names import LabeledSource


@SOURCES.register("npy")
class Npy(LabeledSource):
    """N x H x W x 3, N x 3 x H x W or N x H x W (gray) uint8."""

    path: str
    labels_path: str | None = None  # N integers

    def open(self, where: str) -> Items:
        """Memory-mapped; if the second and the last axis are both 3, the last has the channels."""
        images = _open(self.path, f"{where}.path")
        shape = f"{' x '.join(map(str, images.shape))} {images.dtype}"
        expected = "N x H x W x 3, N x 3 x H x W or N x H x W uint8"
        rgb = images.ndim == 4 and 3 in (images.shape[1], images.shape[3])
        if images.dtype != np.uint8 or not (rgb or images.ndim == 3) or not images.size:
            raise InputError(f"{where}.path: {self.path}: expected {expected}, found {shape}")
        if rgb and images.shape[3] != 3:
            images = images.transpose(0, 2, 3, 1)
        labels = None
        if self.labels_path is not None:
            labels = _open(self.labels_path, f"{where}.labels_path")
            if labels.shape != (len(images),) or labels.dtype.kind not in "iu":
                found = f"{' x '.join(map(str, labels.shape))} {labels.dtype}"
                raise InputError(
                    f"{where}.labels_path: {self.labels_path}: expected {len(images)} integers, "
                    f"found {found}"
                )
        items = _items(Path(self.path).name, images, labels)
        return self.named(Items(items, len(images)), where)


def _items(name: str, images: np.ndarray, labels: np.ndarray | None) -> Iterator[Item]:
    for i, image in enumerate(images):
        label = None if labels is None else int(labels[i])
        yield Item(f"{name}: image {i}", np.ascontiguousarray(image), label)


def _open(path: str, where: str) -> np.ndarray:
    if Path(path).expanduser().is_fifo():
        raise InputError(f"{where}: {path}: expected a regular file, found a pipe")
    try:
        array = np.load(Path(path).expanduser(), mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise InputError(f"{where}: {path}: expected an .npy array, found: {reason}") from None
    if not isinstance(array, np.ndarray):
        raise InputError(f"{where}: {path}: expected one .npy array, found an archive")
    return array
