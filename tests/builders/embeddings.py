"""Modules as feature spaces of scores, and two sets of images."""

import numpy as np
import torch
from torch import Tensor, nn


class Pixels(nn.Module):
    """48 of the pixels of 32 px images: features without rounding."""

    def forward(self, images: Tensor) -> Tensor:
        return images[:, :, ::8, ::8].flatten(1)


class Convolution(nn.Module):
    """24 features, of a network that works otherwise in training mode."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.convolution, self.dropout = nn.Conv2d(3, 24, 4, 2), nn.Dropout(0.5)

    def forward(self, images: Tensor) -> Tensor:
        return self.dropout(self.convolution(images).relu().mean((2, 3)))


def two_sets(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Real and generated ones: count x 32 x 32 x 3 uint8 noise of different levels."""
    rng = np.random.default_rng(0)
    levels = (rng.normal(level, 40, (count, 32, 32, 3)) for level in (90, 120))
    real, generated = (images.clip(0, 255).astype(np.uint8) for images in levels)
    return real, generated
