"""A VGG without batch norm as one with it, fitted to images: the same function, in unit scales.

The paper's VGG19 has batch norm, which its published code runs on each batch's own statistics
(`batchnorm: batch`); published weights without it leave the scales of the features, which grow from
layer to layer, and every common shift of a channel in the loss.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from gfmn.common.bounds import SAMPLES, SEEDS
from gfmn.common.config import Config
from gfmn.common.errors import InputError
from gfmn.networks import ARCHITECTURES, build
from gfmn.networks.conv_norm import ConvNormReLU
from gfmn.networks.extractor_file import NetworkRecord, load_network, only_network
from gfmn.networks.vgg import VGG

EPS = 1e-5  # of the batch norms, as torch has it


class BatchNormInsertion(Config):
    """An extractor of the study, one VGG without batch norm, and the images to fit it to."""

    extractor: str
    dataset: str
    count: int = Field(1000, ge=2, le=SAMPLES)  # images, drawn by `seed`
    seed: int = Field(0, ge=0, le=SEEDS)


def normalized_architecture(architecture: str, where: str) -> str:
    """The name of the VGG with batch norm; `InputError` for any other network."""
    normalized = f"{architecture}_bn"
    if not architecture.startswith("vgg") or normalized not in ARCHITECTURES:
        expected = "a network of vgg11, vgg13, vgg16 or vgg19"
        raise InputError(f"{where}: expected {expected}, found {architecture!r}")
    return normalized


def with_batchnorm(
    name: str, extractor: Path, images: Tensor, data: Mapping[str, Any]
) -> NetworkRecord:
    """The only network of an extractor file with batch norm, fitted to images.

    `images`: B x 3 x H x W in [0, 1]. `data`: what they are, JSON values, for the provenance.
    Raises `InputError` for a network that is no VGG without batch norm.
    """
    header = only_network(extractor)
    architecture = normalized_architecture(header.architecture, str(extractor))
    own: dict[str, Any] = {
        key: header.arguments[key] for key in ("mean", "std") if key in header.arguments
    }
    network, normalized = load_network(extractor, header), build(architecture, **own)
    assert isinstance(network, VGG) and isinstance(normalized, VGG)
    insert_batchnorm(network, normalized, images, str(extractor))
    provenance = {"batchnorm": data, "network": header.provenance}
    return NetworkRecord(name, architecture, normalized.state_dict(), provenance, own)


@torch.no_grad()
def insert_batchnorm(network: VGG, normalized: VGG, images: Tensor, where: str) -> None:
    """Give `normalized`, of the same depth, weights with which it computes what `network` does.

    Each convolution's outputs are divided by their standard deviation over `images`, channel by
    channel, and the next convolution's weights multiplied by it: ReLU and max-pooling commute with
    a positive factor. In eval mode each tap is therefore the network's own, divided by one number a
    channel; in batch mode the batch norms do what those of a network trained with them do. Raises
    `InputError` for a channel that is constant over `images`.
    """
    x, scale = network.normalize(images), torch.ones(3)
    for tap in network.tap_names:
        if tap.endswith("_1") and tap != network.tap_names[0]:
            x = F.max_pool2d(x, 2)
        plain, layer = network.get_submodule(tap), normalized.get_submodule(tap)
        assert isinstance(plain, nn.Conv2d) and isinstance(layer, ConvNormReLU)
        y = F.conv2d(x, plain.weight, plain.bias, padding=1)
        variance, mean = torch.var_mean(y, (0, 2, 3), correction=0)
        if not bool((variance > 0).all()):
            raise InputError(f"{where}: {tap}: expected channels that vary, found a constant one")
        deviation = (variance + EPS).sqrt()
        layer.conv.load_state_dict(
            {"weight": plain.weight * scale.view(1, -1, 1, 1), "bias": plain.bias}
        )
        layer.norm.load_state_dict(
            {
                "weight": torch.ones_like(mean),
                "bias": mean / deviation,
                "running_mean": mean,
                "running_var": variance,
                "num_batches_tracked": torch.tensor(0),
            }
        )
        x, scale = F.relu(y), deviation
