"""The frozen networks, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.networks.adapters import LIBRARIES, Adapter
from gfmn.networks.base import BatchNormMode, TappedNetwork
from gfmn.networks.classifier import Classifier
from gfmn.networks.efficientnet_lite import EfficientNetLite
from gfmn.networks.encoder import DCGANEncoder, Encoder, VGG19Encoder
from gfmn.networks.inception import InceptionV3
from gfmn.networks.resnet import ResNet18
from gfmn.networks.vgg import DEPTHS, VGG

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


@dataclass(frozen=True)
class Architecture:
    """How a network is constructed, and what it can serve as."""

    construct: Callable[..., TappedNetwork]
    extractor: bool = True  # False: for scores alone, at a size of its own, without arguments


ARCHITECTURES: dict[str, Architecture] = {
    **{name: Architecture(partial(VGG, depths)) for name, depths in DEPTHS.items()},
    **{f"{n}_bn": Architecture(partial(VGG, d, batchnorm=True)) for n, d in DEPTHS.items()},
    "resnet18": Architecture(ResNet18),
    "efficientnet_lite0": Architecture(partial(EfficientNetLite, width=1.0, depth=1.0)),
    "efficientnet_lite2": Architecture(partial(EfficientNetLite, width=1.1, depth=1.2)),
    "dcgan_encoder": Architecture(DCGANEncoder),
    "vgg19_encoder": Architecture(VGG19Encoder),
    "inception_v3": Architecture(InceptionV3, extractor=False),
}
FOR_EXTRACTORS = tuple(name for name, entry in ARCHITECTURES.items() if entry.extractor)
FOR_SCORES = tuple(name for name, entry in ARCHITECTURES.items() if not entry.extractor)


def build(architecture: str, **arguments: Any) -> TappedNetwork:
    """A network with random weights: of `ARCHITECTURES`, `torchvision:<model>` or `timm:<model>`.

    `arguments` are the constructor's, such as the encoder's `image_size` and `latent`; `resize`
    is taken by every network for extractors. Raises `InputError` for an unknown architecture.
    """
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
