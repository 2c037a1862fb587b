"""The frozen networks' architectures, by name."""

from collections.abc import Callable
from dataclasses import dataclass

from gfmn.networks.base import TappedNetwork


@dataclass(frozen=True)
class Architecture:
    """How a network is constructed, and what it can serve as."""

    construct: Callable[..., TappedNetwork]
    extractor: bool = True  # False: for scores alone, at a size of its own, without arguments


ARCHITECTURES: dict[str, Architecture] = {}


def register(name: str, construct: Callable[..., TappedNetwork], *, extractor: bool = True) -> None:
    """Make an architecture known by its name in parameters and extractor files."""
    ARCHITECTURES[name] = Architecture(construct, extractor)
