"""The parameter `classes`: names of integer labels, for files that have none."""

from abc import ABC
from collections.abc import Iterable, Iterator
from dataclasses import replace

from pydantic import field_validator

from gfmn.common.errors import InputError
from gfmn.sources.base import ImageSource, Item, Items


class LabeledSource(ImageSource, ABC):
    """A source whose labels are integers, to which its parameters may give names."""

    classes: tuple[str, ...] | None = None  # names of the labels 0, 1, ...; None: the file's

    @field_validator("classes")
    @classmethod
    def _distinct(cls, classes: tuple[str, ...] | None) -> tuple[str, ...] | None:
        names = [name.strip() for name in classes or ()]
        if classes is not None and (not all(names) or len({*names}) < max(1, len(names))):
            raise ValueError("expected at least one name, none empty and each once")
        return classes

    def named(self, opened: Items, where: str) -> Items:
        """The source's images with the given names, if any, in place of the file's own.

        A label without a name is an `InputError` where its image is read.
        """
        if self.classes is None:
            return opened
        items = _checked(opened.items, len(self.classes), f"{where}.classes")
        return replace(opened, items=items, classes=self.classes)


def _checked(items: Iterable[Item], count: int, where: str) -> Iterator[Item]:
    for item in items:
        if item.label is None or not 0 <= item.label < count:
            expected = f"expected labels from 0 to {count - 1}, as there are {count} names"
            found = "none" if item.label is None else item.label
            raise InputError(f"{where}: {item.name}: {expected}, found {found}")
        yield item
