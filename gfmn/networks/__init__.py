"""The frozen networks, by name."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch

from gfmn.config import nearest
from gfmn.errors import InputError
from gfmn.networks.base import TappedNetwork
from gfmn.networks.efficientnet_lite import EfficientNetLite
from gfmn.networks.encoder import Encoder
from gfmn.networks.resnet import ResNet18
from gfmn.networks.vgg import VGG

__all__ = ["ARCHITECTURES", "TappedNetwork", "build", "describe"]

ARCHITECTURES: dict[str, Callable[..., TappedNetwork]] = {
    "vgg16": partial(VGG, convolutions=(2, 2, 3, 3, 3)),
    "vgg19_bn": partial(VGG, convolutions=(2, 2, 4, 4, 4), batchnorm=True),
    "resnet18": ResNet18,
    "efficientnet_lite0": partial(EfficientNetLite, width=1.0, depth=1.0),
    "efficientnet_lite2": partial(EfficientNetLite, width=1.1, depth=1.2),
    "dcgan_encoder": Encoder,
}


def build(architecture: str, **arguments: Any) -> TappedNetwork:
    """A network with random weights.

    `arguments` are the constructor's, such as the encoder's `image_size` and `latent`. Raises
    `InputError` for an unknown architecture.
    """
    if architecture not in ARCHITECTURES:
        hint = nearest(architecture, ARCHITECTURES)
        raise InputError(f"no network architecture {architecture!r}; {hint}")
    return ARCHITECTURES[architecture](**arguments)


def describe(architecture: str, **arguments: Any) -> TappedNetwork:
    """As `build` but with no storage for the weights: for names, shapes and checks."""
    with torch.device("meta"):
        return build(architecture, **arguments)
