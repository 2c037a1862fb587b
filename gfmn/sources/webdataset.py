"""`webdataset`: tar archives whose members of one name are a sample, as `12.jpg` and `12.cls`."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from gfmn.common.errors import InputError
from gfmn.sources.base import SOURCES, Item, Items
from gfmn.sources.decode import BrokenImageError
from gfmn.sources.image_folder import SUFFIXES
from gfmn.sources.sharded import ShardedSource
from gfmn.sources.tar_files import members

IMAGES = tuple(suffix.removeprefix(".") for suffix in SUFFIXES)
LABEL = "cls"
LONGEST = 20  # bytes of a label


@SOURCES.register("webdataset")
class WebDataset(ShardedSource):
    """Images and integer labels in tar archives, in their order; no member is ever run."""

    path: str  # a file, folder or pattern, `{000..012}` for numbers, or a URL of one of these
    image: str = "auto"  # what follows the first dot of images' names; auto: any kind of image
    label: str | None = "auto"  # the same of labels; auto: `cls`, where there is one; null: none
    # Every file is prepared as a shard of its own: for data sets that are measured, of any size.
    shards: bool = False

    ENDINGS: ClassVar = (".tar", ".tar.gz", ".tgz")
    KIND: ClassVar = "tar archives"

    def open(self, where: str) -> Items:
        """Every archive is read through for its names before the first image is."""
        paths, total = [Path(file) for file in self.files(where)], 0
        for path in paths:
            names = (split(name) for name, _ in members(path, lambda name: False, where))
            samples = sum(1 for _ in itertools.groupby(names, lambda pair: pair[0]))
            if not samples:
                raise InputError(f"{where}: {path.name}: expected images, found an empty archive")
            total += samples
        return self.named(Items(self._items(paths, where), total), where)

    def _items(self, paths: list[Path], where: str) -> Iterator[Item]:
        for path in paths:
            files = members(path, lambda name: self._kind(split(name)[1]) is not None, where)
            for sample, group in itertools.groupby(files, lambda file: split(file[0])[0]):
                yield self._item(f"{path.name}: {sample}", group, where)

    def _item(self, name: str, files: Iterator[tuple[str, bytes | None]], where: str) -> Item:
        found: dict[str, tuple[str, bytes]] = {}
        for member, content in files:
            ending = split(member)[1]
            kind = self._kind(ending)
            if kind is None or content is None:
                continue
            if kind in found:
                both = f"found {found[kind][0]} and {ending}"
                raise InputError(f"{where}.{kind}: {name}: expected one {kind} a sample, {both}")
            found[kind] = ending, content
        label = None
        if "label" in found:
            text = found["label"][1][: LONGEST + 1]
            try:
                label = int(text) if len(text) <= LONGEST else None
            except ValueError:
                label = None
            if label is None:
                shown = ascii(text.decode("utf-8", "replace"))
                raise InputError(f"{where}.label: {name}: expected an integer, found {shown}")
        elif self.label not in ("auto", None):
            raise InputError(f"{where}.label: {name}: expected a member .{self.label}, found none")
        raw = found["image"][1] if "image" in found else BrokenImageError("no image in this sample")
        return Item(name, raw, label)

    def _kind(self, ending: str) -> str | None:
        if ending == self.image or (self.image == "auto" and ending in IMAGES):
            return "image"
        return "label" if ending == (LABEL if self.label == "auto" else self.label) else None


def split(name: str) -> tuple[str, str]:
    """A member's sample, and what follows the first dot of its last part, in lower case."""
    folder, slash, last = name.rpartition("/")
    stem, _, ending = last.partition(".")
    return f"{folder}{slash}{stem}", ending.lower()
