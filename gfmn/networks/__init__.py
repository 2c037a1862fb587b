"""The frozen networks, by name."""

from collections.abc import Callable
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
    "FOR_SCORES",
    "BatchNormMode",
    "Classifier",
    "Encoder",
    "TappedNetwork",
    "build",
    "describe",
]

ARCHITECTURES: dict[str, Callable[..., TappedNetwork]] = {
    **{name: partial(VGG, convolutions=depths) for name, depths in DEPTHS.items()},
    **{f"{n}_bn": partial(VGG, convolutions=d, batchnorm=True) for n, d in DEPTHS.items()},
    "resnet18": ResNet18,
    "efficientnet_lite0": partial(EfficientNetLite, width=1.0, depth=1.0),
    "efficientnet_lite2": partial(EfficientNetLite, width=1.1, depth=1.2),
    "dcgan_encoder": DCGANEncoder,
    "vgg19_encoder": VGG19Encoder,
}
FOR_SCORES: dict[str, Callable[..., TappedNetwork]] = {"inception_v3": InceptionV3}  # no extractor


def build(architecture: str, **arguments: Any) -> TappedNetwork:
    """A network with random weights: of `ARCHITECTURES` or `FOR_SCORES`, or a library's model.

    Those are `torchvision:<model>` and `timm:<model>`.

    `arguments` are the constructor's, such as the encoder's `image_size` and `latent`; `resize`
    is taken by every network. Raises `InputError` for an unknown architecture.
    """
    library, _, model = architecture.partition(":")
    if model and library in LIBRARIES:
        return Adapter(library, model, **arguments)
    if architecture in FOR_SCORES:
        if arguments:
            given = ", ".join(f"{key} {value}" for key, value in arguments.items())
            raise InputError(f"{architecture}: expected no arguments, found {given}")
        return FOR_SCORES[architecture]()
    if architecture not in ARCHITECTURES:
        others = [f"{library}:<model>" for library in LIBRARIES]
        hint = suggest(architecture, [*ARCHITECTURES, *others])
        raise InputError(f"no network architecture {architecture!r}; {hint}")
    resize = arguments.pop("resize", None)
    network = ARCHITECTURES[architecture](**arguments)
    network.resize = resize
    return network


def describe(architecture: str, **arguments: Any) -> TappedNetwork:
    """As `build` but with no storage for the weights: for names, shapes and checks."""
    with torch.device("meta"):
        return build(architecture, **arguments)
