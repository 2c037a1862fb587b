"""`celeba`: the aligned and cropped images of CelebA, 178 x 218 px."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field

from gfmn.common.bounds import SIDE
from gfmn.common.errors import InputError
from gfmn.sources.base import SOURCES, ImageSource, Item, Items
from gfmn.sources.downloads import dataset_class, downloading, intact, torchvision_utils

ARCHIVE, PARTITION = "img_align_celeba.zip", "list_eval_partition.txt"
PARTS = {"0": "train", "1": "valid", "2": "test"}


@SOURCES.register("celeba")
class Celeba(ImageSource):
    """202,599 faces, of which 162,770 are in train; without labels."""

    image_size: int = Field(64, ge=8, le=SIDE)
    crop: int | None = Field(160, ge=8, le=178)
    split: Literal["all", "train", "valid", "test"] = "all"
    root: str = "data/downloads/celeba"  # of torchvision's folder `celeba`

    def open(self, where: str) -> Items:
        """Downloads (with gdown) and extracts, unless every image of the official list exists."""
        cls = dataset_class("CelebA", where)
        root = Path(self.root).expanduser() / cls.base_folder
        files = {
            name: (key, md5) for key, md5, name in cls.file_list if name in (ARCHIVE, PARTITION)
        }
        wanted = " and ".join(f"{name} (md5 {files[name][1]})" for name in (ARCHIVE, PARTITION))
        with downloading(where, f"CelebA's {wanted}", root):
            if not intact(root / PARTITION, files[PARTITION][1]):
                _fetch(root, PARTITION, *files[PARTITION])
            parts = _partition(root / PARTITION)
            images = root / ARCHIVE.removesuffix(".zip")
            if _missing(parts, images):
                if not intact(root / ARCHIVE, files[ARCHIVE][1]):
                    _fetch(root, ARCHIVE, *files[ARCHIVE])
                torchvision_utils().extract_archive(root / ARCHIVE)
        missing = _missing(parts, images)
        if missing:
            found = f"found {len(missing)} missing, the first {missing[0]}"
            raise InputError(f"{where}: {images}: expected {len(parts)} images, {found}")
        names = [name for name, part in parts.items() if self.split in ("all", part)]
        return Items((Item(name, images / name, None) for name in names), len(names))


def _fetch(root: Path, name: str, key: str, md5: str) -> None:
    (root / name).unlink(missing_ok=True)  # an interrupted download
    torchvision_utils().download_file_from_google_drive(key, root, name, md5)


def _partition(path: Path) -> dict[str, str]:
    lines = (line.split() for line in path.read_text().splitlines())
    return {name: PARTS[part] for name, part in lines}


def _missing(parts: dict[str, str], folder: Path) -> list[str]:
    existing = set(os.listdir(folder)) if folder.is_dir() else set()  # noqa: PTH208 - names are enough
    return [name for name in parts if name not in existing]
