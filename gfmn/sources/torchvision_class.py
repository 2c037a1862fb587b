"""`torchvision`: any class of `torchvision.datasets`, by name."""

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from gfmn.common.errors import InputError
from gfmn.sources.downloads import downloading, torchvision_class
from gfmn.sources.image_files import BrokenError, Raw
from gfmn.sources.source import Item, Pictures, Source


class Torchvision(Pictures):
    """A class's pictures, with its integer targets as labels where it has such."""

    source: Literal["torchvision"]
    class_: str = Field(alias="class")
    arguments: Mapping[str, Any] = Field(default_factory=dict)  # of the constructor
    root: str | None = None  # data/downloads/<class, in lower case> unless given
    download: bool = False


def open_source(config: Torchvision, where: str) -> Source:
    """Constructed with `root` and `download` where the class takes them, then read item by item."""
    cls = torchvision_class(config.class_, where)
    known = inspect.signature(cls.__init__).parameters
    folder = Path(config.root or f"data/downloads/{config.class_.lower()}").expanduser()
    arguments = dict(config.arguments)
    for name, value in (("root", folder), ("download", config.download)):
        if name in known:
            arguments.setdefault(name, value)
    with downloading(where, f"torchvision's {config.class_}", folder):
        try:
            data = cls(**arguments)
            total = len(data)
        except (TypeError, ImportError, LookupError, AttributeError) as error:
            reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
            expected = f"expected arguments and files that {config.class_} accepts"
            raise InputError(f"{where}.arguments: {expected}, found: {reason}") from None
    if not total:
        raise InputError(f"{where}: expected pictures from {config.class_}, found none")
    names = getattr(data, "classes", None)
    named = isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)
    classes = tuple(names) if named and names is not None else None
    return Source(_items(data, total, config.class_, where), total, classes)


def _items(data: Any, total: int, name: str, where: str) -> Iterator[Item]:
    for i in range(total):
        raw, target = _picture(data, i, f"{where}: {name}[{i}]")
        yield Item(f"{name}[{i}]", raw, int(target) if _is_integer(target) else None)


def _picture(data: Any, index: int, where: str) -> tuple[Raw, Any]:
    try:
        item = data[index]
        picture, target = (
            (item[0], item[1] if len(item) > 1 else None)
            if isinstance(item, tuple | list) and item
            else (item, None)
        )
        if isinstance(picture, Image.Image):
            picture.load()  # here: a worker gets pixels, not an open file
            return picture, target
    except Exception as error:  # of any class's own reading
        return BrokenError(" ".join(f"{type(error).__name__}: {error}".split())), None
    grey_or_rgb = isinstance(picture, np.ndarray) and (
        picture.ndim == 2 or (picture.ndim == 3 and picture.shape[-1] == 3)
    )
    if grey_or_rgb and picture.dtype == np.uint8:
        return picture, target
    raise InputError(f"{where}: expected a picture, found {type(picture).__name__}")


def _is_integer(target: Any) -> bool:
    return isinstance(target, int | np.integer) and not isinstance(target, bool)
