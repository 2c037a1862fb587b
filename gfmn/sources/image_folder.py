"""`folder`: any tree of image files."""

import os
from collections.abc import Iterator
from pathlib import Path

from gfmn.common.errors import InputError
from gfmn.sources.base import SOURCES, ImageSource, Item, Items

SUFFIXES = (
    *(".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm"),
    *(".tif", ".tiff", ".webp"),
)


@SOURCES.register("folder")
class Folder(ImageSource):
    """Every image below a folder; the first level of folders is the label, if each has one."""

    path: str

    def open(self, where: str) -> Items:
        """Images sorted by path, without hidden files and folders."""
        root = Path(self.path).expanduser()
        if not root.is_dir():
            found = "a file" if root.exists() else "nothing"
            raise InputError(f"{where}.path: {root}: expected a folder of images, found {found}")
        paths = sorted(_images(root))
        if not paths:
            raise InputError(
                f"{where}.path: {root}: expected images ({', '.join(SUFFIXES)}), found none"
            )
        if any(len(path) == 1 for path in paths):
            items = (Item("/".join(path), root.joinpath(*path), None) for path in paths)
            return Items(items, len(paths))
        classes = tuple(sorted({path[0] for path in paths}))
        numbers = {name: number for number, name in enumerate(classes)}
        items = (Item("/".join(path), root.joinpath(*path), numbers[path[0]]) for path in paths)
        return Items(items, len(paths), classes)


def _images(root: Path) -> Iterator[tuple[str, ...]]:
    seen = set()
    for folder, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)  # a link may lead back up
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        below = Path(folder).relative_to(root).parts
        for name in names:
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                yield (*below, name)
