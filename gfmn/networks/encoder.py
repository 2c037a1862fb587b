"""The encoder of the paper's autoencoder, the mirror of its DCGAN generator.

Source: the paper, section 5.1; its published code for the layers. Unlike that code the taps are
the ReLUs' outputs alone, without the code itself.
"""

from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, nn

from gfmn.errors import InputError
from gfmn.networks.base import ConvNorm, TappedNetwork

WIDTHS = {32: (128, 256), 64: (128, 256, 512), 128: (128, 256, 512, 512)}


class Encoder(TappedNetwork):
    """Strided convolutions from `image_size` down to 4 x 4, then a `latent`-dimensional code.

    Taps: one a block of convolution, batch norm and ReLU; 61,440 values at 32 pixels. Raises
    `InputError` for an image size other than 32, 64 and 128.
    """

    mean = (0.5, 0.5, 0.5)
    std = (0.5, 0.5, 0.5)
    dense = True
    image_multiple = 32

    def __init__(self, image_size: int = 32, latent: int = 128) -> None:
        super().__init__()
        if image_size not in WIDTHS:
            known = ", ".join(map(str, WIDTHS))
            raise InputError(f"dcgan_encoder: expected image_size {known}, found {image_size!r}")
        blocks = {"down1": strided(3, 64), "extra1": same(64), "extra2": same(64)}
        channels = 64
        for i, width in enumerate(WIDTHS[image_size], start=2):
            blocks[f"down{i}"] = strided(channels, width)
            channels = width
        self.blocks = nn.ModuleDict(blocks)
        self.code = nn.Conv2d(channels, latent, 4, bias=False)
        self.tap_names = tuple(blocks)
        self.apply(initialise)

    def activations(self, x: Tensor) -> Iterator[Tensor]:
        """See the base class."""
        for block in self.blocks.values():
            x = cast(ConvNorm, block).relu(x)
            yield x

    def encode(self, signed_images: Tensor) -> Tensor:
        """B x 3 x H x W in [-1, 1] -> B x latent in (-1, 1), for training the autoencoder."""
        for x in self.activations(signed_images):
            last = x
        return torch.tanh(self.code(last)).flatten(1)


def strided(channels: int, out: int) -> ConvNorm:
    """4 x 4 at stride 2: half the height and width."""
    return ConvNorm(nn.Conv2d(channels, out, 4, stride=2, padding=1, bias=False))


def same(channels: int) -> ConvNorm:
    """3 x 3 at stride 1: the same shape."""
    return ConvNorm(nn.Conv2d(channels, channels, 3, padding=1, bias=False))


def initialise(module: nn.Module) -> None:
    """Convolutions N(0, 0.02), batch-norm scales N(1, 0.02) and shifts 0 (Radford et al., 2016)."""
    if isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, 0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(cast(Tensor, module.weight), 1, 0.02)
        nn.init.zeros_(cast(Tensor, module.bias))
