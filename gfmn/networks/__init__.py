"""The frozen networks, by name."""

from collections.abc import Sequence
from typing import Any

import torch

from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.networks import (  # noqa: F401 - each registers its architectures
    efficientnet_lite,
    encoder,
    inception,
    resnet,
    vgg,
)
from gfmn.networks.adapters import LIBRARIES, Adapter
from gfmn.networks.base import BatchNormMode, TappedNetwork
from gfmn.networks.classifier import Classifier
from gfmn.networks.encoder import Encoder
from gfmn.networks.registry import ARCHITECTURES

__all__ = [
    "ARCHITECTURES",
    "FOR_EXTRACTORS",
    "FOR_SCORES",
    "BatchNormMode",
    "Classifier",
    "Encoder",
    "TappedNetwork",
    "build",
    "describe",
]


FOR_EXTRACTORS = tuple(name for name, entry in ARCHITECTURES.items() if entry.extractor)
FOR_SCORES = tuple(name for name, entry in ARCHITECTURES.items() if not entry.extractor)


def build(
    architecture: str,
    *,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    **arguments: Any,
) -> TappedNetwork:
    """A network with random weights: of `ARCHITECTURES`, `torchvision:<model>` or `timm:<model>`.

    `arguments` are the constructor's, such as the encoder's `image_size` and `latent`; `resize`
    is taken by every network for extractors. `mean`, `std`: of the images that the weights are for,
    of the unit range, where they are not the architecture's own. Raises `InputError` for an unknown
    architecture.
    """
    given = {key: value for key, value in (("mean", mean), ("std", std)) if value is not None}
    if given and architecture in FOR_SCORES:
        raise InputError(f"{architecture}: expected no arguments, found {', '.join(given)}")
    network = _built(architecture, **arguments)
    network.renormalize(**given)
    return network


def _built(architecture: str, **arguments: Any) -> TappedNetwork:
    library, _, model = architecture.partition(":")
    if model and library in LIBRARIES:
        return Adapter(library, model, **arguments)
    if architecture not in ARCHITECTURES:
        others = [f"{library}:<model>" for library in LIBRARIES]
        hint = suggest(architecture, [*ARCHITECTURES, *others])
        raise InputError(f"no network architecture {architecture!r}; {hint}")
    entry = ARCHITECTURES[architecture]
    if arguments and not entry.extractor:
        given = ", ".join(f"{key} {value}" for key, value in arguments.items())
        raise InputError(f"{architecture}: expected no arguments, found {given}")
    resize = arguments.pop("resize", None)
    network = entry.construct(**arguments)
    network.resize = resize
    return network


def describe(architecture: str, **arguments: Any) -> TappedNetwork:
    """As `build` but with no storage for the weights: for names, shapes and checks."""
    with torch.device("meta"):
        return build(architecture, **arguments)
