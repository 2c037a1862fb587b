"""`cifar10`: torchvision's CIFAR-10, 32 px in 10 classes."""

from pathlib import Path
from typing import Literal

from gfmn.sources.downloads import downloading, torchvision_class
from gfmn.sources.source import Item, Pictures, Source


class Cifar10(Pictures):
    """50,000 (train) or 10,000 (test) pictures."""

    source: Literal["cifar10"]
    split: Literal["train", "test"] = "train"
    root: str = "data/downloads/cifar10"  # of the archive, and of the folder that it holds


def open_source(config: Cifar10, where: str) -> Source:
    """Downloaded unless it is there; torchvision verifies the hash of every file that it reads."""
    cls = torchvision_class("CIFAR10", where)
    root = Path(config.root).expanduser()
    wanted = f"{cls.filename} (md5 {cls.tgz_md5}) from {cls.url}"
    with downloading(where, wanted, root):
        data = cls(root, train=config.split == "train", download=True)
    items = (
        Item(f"{config.split} picture {i}", picture, int(data.targets[i]))
        for i, picture in enumerate(data.data)
    )
    return Source(items, len(data.data), tuple(data.classes))
