"""A generator of chosen classes: the last number of its latent says which."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

SCALE = 3.0  # of the class's unit vector: z of 100 numbers has a length of about 10


class Conditional(nn.Module):
    """A generator whose input has K more numbers, all 0 but for the class's.

    z ~ N(0, I) stays what it is given. The class is that of the last number u, by thresholds
    between which u falls as often as the class is among the real images.
    """

    thresholds: Tensor  # K - 1, ascending

    def __init__(self, generator: nn.Module, frequencies: Sequence[float]) -> None:
        super().__init__()
        self.generator, self.classes = generator, len(frequencies)
        ends = torch.tensor(frequencies, dtype=torch.float64).cumsum(0)
        thresholds = torch.special.ndtri((ends / ends[-1])[:-1]).float()
        self.register_buffer("thresholds", thresholds, persistent=False)

    def one_hot(self, z: Tensor) -> Tensor:
        """The classes of N latents, N x K."""
        numbers = torch.bucketize(z[:, -1].contiguous(), self.thresholds, right=True)
        return functional.one_hot(numbers, self.classes).float()

    def forward(self, z: Tensor) -> Tensor:
        """N x latent -> N x 3 x S x S in [-1, 1]."""
        images: Tensor = self.generator(torch.cat((z[:, :-1], SCALE * self.one_hot(z)), 1))
        return images

    @staticmethod
    def number_of(label: int, frequencies: Sequence[float]) -> float:
        """A last number of z that says this class: the middle of its range by frequency."""
        ends = torch.tensor([0.0, *frequencies], dtype=torch.float64).cumsum(0)
        middle = (ends[label] + ends[label + 1]) / 2 / ends[-1]
        return float(torch.special.ndtri(middle))
