"""The encoders of the paper's autoencoders: a mirror of its DCGAN generator, and VGG19.

Source: the paper, section 5.1; its published code for the DCGAN's layers. Unlike that code the
taps are the ReLUs' outputs alone, without the code itself.
"""

from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, nn

from gfmn.common.errors import InputError
from gfmn.networks.base import TappedNetwork
from gfmn.networks.classifier import initialize as initialize_by_fan_out
from gfmn.networks.conv_norm import ConvNormReLU
from gfmn.networks.registry import register
from gfmn.networks.vgg import DEPTHS, VGG

WIDTHS = {32: (128, 256), 48: (128, 256), 64: (128, 256, 512), 128: (128, 256, 512, 512)}


class Encoder(TappedNetwork):
    """A tapped network that also makes a code of its last tap, by a `code` convolution.

    Its images are in [-1, 1], as those of the generator that decodes.
    """

    code: nn.Conv2d

    def encode(self, signed_images: Tensor) -> Tensor:
        """B x 3 x H x W in [-1, 1] -> B x latent in (-1, 1), for training the autoencoder."""
        for x in self.activations(signed_images):
            last = x
        return torch.tanh(self.code(last)).flatten(1)


class DCGANEncoder(Encoder):
    """Strided convolutions from `image_size` down to 4 x 4 (6 x 6), then a `latent`-sized code.

    Taps: one a block of convolution, batch norm and ReLU; 61,440 values at 32 pixels. Raises
    `InputError` for an image size other than 32, 48, 64 and 128.
    """

    mean = (0.5, 0.5, 0.5)
    std = (0.5, 0.5, 0.5)
    image_multiple = 16

    def __init__(self, image_size: int = 32, latent: int = 128) -> None:
        super().__init__()
        _check(image_size, "dcgan_encoder")
        blocks = {"down1": strided(3, 64), "extra1": same(64), "extra2": same(64)}
        channels = 64
        for i, width in enumerate(WIDTHS[image_size], start=2):
            blocks[f"down{i}"] = strided(channels, width)
            channels = width
        self.blocks = nn.ModuleDict(blocks)
        last = image_size >> (1 + len(WIDTHS[image_size]))
        self.code = nn.Conv2d(channels, latent, last, bias=False)
        self.tap_names = tuple(blocks)
        self.apply(initialize)

    def activations(self, x: Tensor) -> Iterator[Tensor]:
        """See the base class."""
        for block in self.blocks.values():
            x = block(x)
            yield x


class VGG19Encoder(VGG, Encoder):
    """VGG19's convolutions with batch norm, then a `latent`-dimensional code.

    Taps as VGG19's: 303,104 values at 32 pixels. Raises `InputError` for an image size other than
    32, 48, 64 and 128.
    """

    mean = (0.5, 0.5, 0.5)
    std = (0.5, 0.5, 0.5)

    def __init__(self, image_size: int = 32, latent: int = 128) -> None:
        super().__init__(DEPTHS["vgg19"], batchnorm=True)
        _check(image_size, "vgg19_encoder")
        self.code = nn.Conv2d(512, latent, image_size // 16, bias=False)
        self.apply(initialize_by_fan_out)


def _check(image_size: int, architecture: str) -> None:
    if image_size not in WIDTHS:
        known = ", ".join(map(str, WIDTHS))
        raise InputError(f"{architecture}: expected image_size {known}, found {image_size!r}")


def strided(channels: int, out: int) -> ConvNormReLU:
    """4 x 4 at stride 2: half the height and width."""
    return ConvNormReLU(nn.Conv2d(channels, out, 4, stride=2, padding=1, bias=False))


def same(channels: int) -> ConvNormReLU:
    """3 x 3 at stride 1: the same shape."""
    return ConvNormReLU(nn.Conv2d(channels, channels, 3, padding=1, bias=False))


def initialize(module: nn.Module) -> None:
    """Convolutions N(0, 0.02), batch-norm scales N(1, 0.02) and shifts 0 (Radford et al., 2016)."""
    if isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, 0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(cast(Tensor, module.weight), 1, 0.02)
        nn.init.zeros_(cast(Tensor, module.bias))


register("dcgan_encoder", DCGANEncoder)
register("vgg19_encoder", VGG19Encoder)
