"""`stl10`: STL-10, 96 px, from its binary files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from gfmn.common.errors import InputError
from gfmn.sources.base import SOURCES, ImageSource, Item, Items
from gfmn.sources.downloads import dataset_class, downloading, intact, torchvision_utils

SIDE = 96  # pixels


@SOURCES.register("stl10")
class Stl10(ImageSource):
    """100,000 unlabeled images, or the 5,000 (train) and 8,000 (test) of 10 classes."""

    split: Literal["unlabeled", "train", "test"] = "unlabeled"
    root: str = "data/downloads/stl10"  # of the archive, and of the folder that it holds

    def open(self, where: str) -> Items:
        """Downloads the archive if needed; the verified files are memory-mapped (2.7 GB)."""
        cls = dataset_class("STL10", where)
        files = {name: md5 for name, md5 in cls.train_list + cls.test_list if self.split in name}
        root = Path(self.root).expanduser()
        folder = root / cls.base_folder
        if not all(intact(folder / name, md5) for name, md5 in files.items()):
            wanted = f"{cls.filename} (md5 {cls.tgz_md5}) from {cls.url}"
            with downloading(where, wanted, root):
                torchvision_utils().download_and_extract_archive(cls.url, root, md5=cls.tgz_md5)
        for name, md5 in files.items():
            if not intact(folder / name, md5):
                raise InputError(
                    f"{where}: {folder / name}: expected md5 {md5}, found another or no file"
                )
        images = read_images(folder / f"{self.split}_X.bin", where)
        classes = folder / cls.class_names_file
        labels = folder / f"{self.split}_y.bin"
        if labels.name not in files:
            return Items(_items(self.split, images, None), len(images))
        names = tuple(classes.read_text().split()) if classes.exists() else None
        values = np.fromfile(labels, np.uint8).astype(np.int64) - 1  # the file counts from 1
        if len(values) != len(images):
            raise InputError(f"{labels}: expected {len(images)} labels, found {len(values)}")
        return Items(_items(self.split, images, values), len(images), names)


def read_images(path: Path, where: str) -> np.ndarray:
    """N x 96 x 96 x 3 uint8, memory-mapped; in the file each channel is column by column."""
    size, each = path.stat().st_size, 3 * SIDE * SIDE
    if size == 0 or size % each:
        raise InputError(f"{where}: {path}: expected images of {each} bytes, found {size} bytes")
    return np.memmap(path, np.uint8, "r").reshape(-1, 3, SIDE, SIDE).transpose(0, 3, 2, 1)


def _items(split: str, images: np.ndarray, labels: np.ndarray | None) -> Iterator[Item]:
    for i, image in enumerate(images):
        label = None if labels is None else int(labels[i])
        yield Item(f"{split} image {i}", np.ascontiguousarray(image), label)
