"""`cifar10`: torchvision's CIFAR-10, 32 px in 10 classes."""

from pathlib import Path
from typing import Literal

from gfmn.sources.base import SOURCES, ImageSource, Item, Items
from gfmn.sources.downloads import dataset_class, downloading


@SOURCES.register("cifar10")
class Cifar10(ImageSource):
    """50,000 (train) or 10,000 (test) images."""

    split: Literal["train", "test"] = "train"
    root: str = "data/downloads/cifar10"  # of the archive, and of the folder that it holds

    def open(self, where: str) -> Items:
        """Downloads the archive if needed; torchvision verifies the hash of every file."""
        cls = dataset_class("CIFAR10", where)
        root = Path(self.root).expanduser()
        wanted = f"{cls.filename} (md5 {cls.tgz_md5}) from {cls.url}"
        with downloading(where, wanted, root):
            data = cls(root, train=self.split == "train", download=True)
        items = (
            Item(f"{self.split} image {i}", image, int(data.targets[i]))
            for i, image in enumerate(data.data)
        )
        return Items(items, len(data.data), tuple(data.classes))
