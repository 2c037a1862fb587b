"""`folder`: any tree of image files."""

import os
from collections.abc import Iterator
from pathlib import Path

from gfmn.common.errors import InputError
from gfmn.sources.base import SOURCES, ImageSource, Item, Items

SUFFIXES = (
    *(".apng", ".bmp", ".dib", ".gif", ".j2c", ".j2k", ".jfif", ".jp2", ".jpc", ".jpe", ".jpeg"),
    *(".jpf", ".jpg", ".jpx", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"),
)
UNREAD = (  # endings of images in formats that are not read: these are counted, and named
    *(".avif", ".avifs", ".blp", ".bufr", ".bw", ".cr2", ".cur", ".dcm", ".dcx", ".dds", ".dng"),
    *(".emf", ".eps", ".exr", ".fit", ".fits", ".flc", ".fli", ".ftc", ".ftu", ".gbr", ".grib"),
    *(".hdr", ".heic", ".heif", ".icb", ".icns", ".ico", ".im", ".jxl", ".mpo", ".msp", ".nef"),
    *(".palm", ".pcd", ".pcx", ".pfm", ".ps", ".psd", ".pxr", ".qoi", ".ras", ".raw", ".rgb"),
    *(".rgba", ".sgi", ".svg", ".tga", ".vda", ".vst", ".wmf", ".xbm", ".xcf", ".xpm"),
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
        files = sorted(_files(root, f"{where}.path"))
        paths = [path for path in files if path[-1].lower().endswith(SUFFIXES)]
        unread = tuple("/".join(path) for path in files if path[-1].lower().endswith(UNREAD))
        if not paths:
            raise InputError(
                f"{where}.path: {root}: expected images ({', '.join(SUFFIXES)}), found none"
            )
        if any(len(path) == 1 for path in paths):
            items = (Item("/".join(path), root.joinpath(*path), None) for path in paths)
            return Items(items, len(paths), None, unread)
        classes = tuple(sorted({path[0] for path in paths}))
        numbers = {name: number for number, name in enumerate(classes)}
        items = (Item("/".join(path), root.joinpath(*path), numbers[path[0]]) for path in paths)
        return Items(items, len(paths), classes, unread)


def _files(root: Path, where: str) -> Iterator[tuple[str, ...]]:
    """The parts of every file's path, without hidden ones.

    Raises `InputError` for a folder that cannot be read, and for one that links lead to again: its
    images would count twice, or be of the wrong class. A link back up adds nothing.
    """

    def refuse(error: OSError) -> None:
        expected = f"{error.filename}: expected a folder that can be read"
        raise InputError(f"{where}: {expected}, found: {error.strerror}")

    seen: dict[str, str] = {}
    for folder, folders, names in os.walk(root, onerror=refuse, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            if not folder.startswith(os.path.join(seen[real], "")):  # noqa: PTH118 - ends in /
                raise InputError(f"{where}: {folder}: expected a folder once, found {seen[real]}")
            folders.clear()
            continue
        seen[real] = folder
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        below = Path(folder).relative_to(root).parts
        for name in names:
            if not name.startswith("."):
                yield (*below, name)
