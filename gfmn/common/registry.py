"""Classes and functions by the name that parameters use."""

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
Entry = TypeVar("Entry", bound=Callable[..., Any])


class Registry(dict[str, T]):
    """What a name stands for; each file of a package adds its own where it defines it."""

    def register(self, name: str) -> Callable[[Entry], Entry]:
        """Decorator that adds a class or a function under a name."""

        def add(entry: Entry) -> Entry:
            self[name] = entry  # type: ignore[assignment]
            return entry

        return add
