"""`folder`: any tree of picture files."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from gfmn.common.errors import InputError
from gfmn.sources.source import Item, Pictures, Source

SUFFIXES = (
    *(".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm"),
    *(".tif", ".tiff", ".webp"),
)


class Folder(Pictures):
    """Every picture below a folder; a first level of folders without pictures beside is labels."""

    source: Literal["folder"]
    path: str


def open_source(config: Folder, where: str) -> Source:
    """Sorted by path below the folder; hidden files and folders do not count."""
    root = Path(config.path).expanduser()
    if not root.is_dir():
        found = "a file" if root.exists() else "nothing"
        raise InputError(f"{where}.path: {root}: expected a folder of pictures, found {found}")
    paths = sorted(_pictures(root))
    if not paths:
        raise InputError(
            f"{where}.path: {root}: expected pictures ({', '.join(SUFFIXES)}), found none"
        )
    if any(len(path) == 1 for path in paths):
        items = (Item("/".join(path), root.joinpath(*path), None) for path in paths)
        return Source(items, len(paths))
    classes = tuple(sorted({path[0] for path in paths}))
    numbers = {name: number for number, name in enumerate(classes)}
    items = (Item("/".join(path), root.joinpath(*path), numbers[path[0]]) for path in paths)
    return Source(items, len(paths), classes)


def _pictures(root: Path) -> Iterator[tuple[str, ...]]:
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
