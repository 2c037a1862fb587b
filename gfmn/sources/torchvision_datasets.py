"""`torchvision`: any class of `torchvision.datasets`, by name."""

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydantic import Field

from gfmn.common.bounds import IMAGES
from gfmn.common.errors import InputError
from gfmn.sources.base import SOURCES, ImageSource, Item, Items
from gfmn.sources.decode import BrokenImageError, RawImage, read_rgb
from gfmn.sources.downloads import dataset_class, downloading


@SOURCES.register("torchvision")
class Torchvision(ImageSource):
    """A class's images, with its integer targets as labels where it has such."""

    class_: str = Field(alias="class")
    arguments: Mapping[str, Any] = Field(default_factory=dict)  # of the constructor
    root: str | None = None  # data/downloads/<class, in lower case> unless given
    download: bool = False

    def open(self, where: str) -> Items:
        """Constructs the class, with `root` and `download` where it takes them."""
        cls = dataset_class(self.class_, where)
        known = inspect.signature(cls.__init__).parameters
        folder = Path(self.root or f"data/downloads/{self.class_.lower()}").expanduser()
        arguments = dict(self.arguments)
        for name, value in (("root", folder), ("download", self.download)):
            if name in known:
                arguments.setdefault(name, value)
        with downloading(where, f"torchvision's {self.class_}", folder):
            try:
                with our_decoder():
                    data = cls(**arguments)
                total = len(data)
            except (TypeError, ImportError, LookupError, AttributeError, ArithmeticError) as error:
                reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
                expected = f"expected arguments and files that {self.class_} accepts"
                raise InputError(f"{where}.arguments: {expected}, found: {reason}") from None
        if not 0 < total <= IMAGES:
            found = f"found {total:,}" if total else "found none"
            raise InputError(f"{where}: expected images from {self.class_}, {found}")
        names = getattr(data, "classes", None)
        named = isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)
        classes = tuple(names) if named and names is not None else None
        return Items(_items(data, total, self.class_, where), total, classes)


@contextmanager
def our_decoder() -> Iterator[None]:
    """Context in which the classes' own code opens image files as all other sources do.

    Pillow's own function has no such bounds, and calls another program for a PostScript file.
    """
    pillows = Image.open

    def ours(file: Any, *_: Any, **__: Any) -> Image.Image:
        Image.open = pillows
        try:
            return read_rgb(file.read() if hasattr(file, "read") else Path(file))
        finally:
            Image.open = ours  # type: ignore[assignment]

    Image.open = ours  # type: ignore[assignment]
    try:
        yield
    finally:
        Image.open = pillows


def _items(data: Any, total: int, name: str, where: str) -> Iterator[Item]:
    for i in range(total):
        raw, target = _image_and_target(data, i, f"{where}: {name}[{i}]")
        # -1 is STL10's for images without a label.
        labeled = _is_integer(target) and target != -1
        yield Item(f"{name}[{i}]", raw, int(target) if labeled else None)


def _image_and_target(data: Any, index: int, where: str) -> tuple[RawImage, Any]:
    try:
        with our_decoder():
            item = data[index]
        image, target = (
            (item[0], item[1] if len(item) > 1 else None)
            if isinstance(item, tuple | list) and item
            else (item, None)
        )
        if isinstance(image, Image.Image):
            image.load()  # here: a worker gets pixels, not an open file
            return image, target
    except BrokenImageError as error:
        return error, None
    except Exception as error:  # of any class's own reading
        return BrokenImageError(" ".join(f"{type(error).__name__}: {error}".split())), None
    gray_or_rgb = isinstance(image, np.ndarray) and (
        image.ndim == 2 or (image.ndim == 3 and image.shape[-1] == 3)
    )
    if gray_or_rgb and image.dtype == np.uint8:
        return image, target
    raise InputError(f"{where}: expected an image, found {type(image).__name__}")


def _is_integer(target: Any) -> bool:
    return isinstance(target, int | np.integer) and not isinstance(target, bool)
