"""The DCGAN-like generator with two extra layers (section 5.1)."""

import itertools

import torch
from torch import Tensor, nn

from gfmn.generators.registry import GENERATORS


@GENERATORS.register("dcgan")
class DCGAN(nn.Module):
    """z (B x latent) -> images (B x 3 x S x S) in [-1, 1].

    A 4 x 4 transposed convolution (6 x 6 for 48 pixels), one doubling after another,
    `extra_layers` 3 x 3 convolutions before the last doubling; no biases; N(0, .02) weights,
    batch-norm gamma N(1, .02).
    """

    def __init__(self, image_size: int = 32, latent: int = 100, extra_layers: int = 2) -> None:
        super().__init__()
        width = 64
        channels = {
            32: (256, 128, 64),
            48: (256, 128, 64),
            64: (512, 256, 128, 64),
            128: (512, 512, 256, 128, 64),
        }
        if image_size not in channels:
            raise ValueError(f"image_size: expected one of {list(channels)}, found {image_size}")
        widths = channels[image_size]
        first = image_size >> len(widths)
        layers = [_normed(nn.ConvTranspose2d(latent, widths[0], first, 1, 0, bias=False))]
        for before, after in itertools.pairwise(widths):
            layers.append(_normed(nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False)))
        for _ in range(extra_layers):
            layers.append(_normed(nn.Conv2d(width, width, 3, 1, 1, bias=False)))
        self.layers = nn.Sequential(*layers, nn.ConvTranspose2d(width, 3, 4, 2, 1, bias=False))
        self.apply(_initialize)

    def forward(self, z: Tensor) -> Tensor:
        images: Tensor = self.layers(z[:, :, None, None])
        return torch.tanh(images.float())  # float32 also where the convolutions run in bf16


def _normed(convolution: nn.Conv2d | nn.ConvTranspose2d) -> nn.Sequential:
    norm = nn.BatchNorm2d(convolution.out_channels)
    return nn.Sequential(convolution, norm, nn.ReLU(inplace=True))


def _initialize(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
