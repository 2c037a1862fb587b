"""Distance of images by their Laplacian pyramids, an autoencoder's error.

Source: dos Santos et al., "Generative Feature Matching Networks" (the 2019 submission), after
Bojanowski et al., ICML 2018, arXiv:1707.05776.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

SMALLEST = 4  # pixels of the last level
BINOMIAL = (1.0, 4.0, 6.0, 4.0, 1.0)


def pyramid(images: Tensor) -> list[Tensor]:
    """B x C x S x S -> each level's difference to the next, coarser one; the coarsest comes last.

    Sizes S, S / 2, ... down to 4 pixels or fewer; each but the last is even.
    """
    levels = []
    while images.shape[-1] > SMALLEST:
        coarse = _blurred(images)[..., ::2, ::2]
        levels.append(images - _enlarged(coarse))
        images = coarse
    return [*levels, images]


def rebuilt(levels: list[Tensor]) -> Tensor:
    """The images of which `levels` is the pyramid: its inverse."""
    images = levels[-1]
    for level in reversed(levels[:-1]):
        images = level + _enlarged(images)
    return images


def laplacian_distance(first: Tensor, second: Tensor) -> Tensor:
    """Sum over levels j of 4^-j |L_j(x) - L_j(y)|_1, per channel value of the batch: a scalar."""
    # The pyramid is linear: that of the difference is the difference of the pyramids.
    levels = pyramid(first.float() - second.float())
    parts = [level.abs().sum() * 4.0**-j for j, level in enumerate(levels)]
    return torch.stack(parts).sum() / first.numel()


def _blurred(images: Tensor) -> Tensor:
    """By the 5 x 5 binomial kernel, with reflected borders."""
    channels = images.shape[1]
    row = images.new_tensor(BINOMIAL) / sum(BINOMIAL)
    kernel = (row[:, None] * row).expand(channels, 1, 5, 5)
    return F.conv2d(F.pad(images, (2, 2, 2, 2), mode="reflect"), kernel, groups=channels)


def _enlarged(images: Tensor) -> Tensor:
    return F.interpolate(images, scale_factor=2, mode="bilinear", align_corners=False)
