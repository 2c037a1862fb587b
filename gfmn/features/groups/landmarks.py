"""The group `landmarks`: the mean of a kernel over the real features, at a few hundred points."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from gfmn.common.bounds import FACTOR, VECTORS
from gfmn.features.groups.base import POSITIVE, Fitted, FittedConfig, PooledPart, square_distances

RIDGE = 1e-6  # of the kernel's value at distance 0, so that its matrix can be inverted


class LandmarksConfig(FittedConfig):
    """How many landmarks there are, and the kernel."""

    landmarks: int = Field(512, ge=2, le=VECTORS)  # of the drawn vectors; at most all
    # Of the typical distance.
    bandwidths: tuple[Annotated[float, Field(gt=0, le=FACTOR)], ...] = Field(
        (0.25, 0.5, 1.0), min_length=1, max_length=32
    )


@dataclass(frozen=True)
class PooledLandmarks(PooledPart):
    """A weighted sum of kernels, `sum_j weights_j k(x, points_j)`, near `E k(x, y)` over real y.

    `k(x, y)` is the mean over bandwidths h of `1 / (1 + |x - y|^2 / (2 h^2))`, x = p / scale: the
    rational quadratic kernel (Bińkowski et al. 2018), which still attracts from far away.
    """

    scale: Tensor  # D
    points: Tensor  # M x D
    weights: Tensor  # M
    bandwidths: Tensor  # as lengths

    AXES: ClassVar = {"scale": "D", "points": "MD", "weights": "M", "bandwidths": "H"}
    LEAST: ClassVar = {"scale": POSITIVE, "bandwidths": POSITIVE}


class Landmarks(Fitted):
    """Nyström's projection of the real vectors' mean embedding onto those of M of them.

    Source: Chatalic et al. 2022, "Nyström kernel mean embeddings"; weights
    `(K_MM + ridge)^-1 mean_y K_My` over all drawn vectors.
    """

    Config = LandmarksConfig
    Part = PooledLandmarks
    config: LandmarksConfig

    def fit(self, standardized: Tensor) -> dict[str, Tensor]:
        """See the base class."""
        x = standardized.double()
        points = x[: self.config.landmarks]  # they are in random order
        squares = square_distances(points, x)
        typical = squares.mean().sqrt()
        bandwidths = typical * torch.tensor(self.config.bandwidths, dtype=torch.float64)
        mean = kernel(squares, bandwidths).mean(1)
        matrix = kernel(square_distances(points, points), bandwidths)
        matrix.diagonal().add_(RIDGE)
        weights = torch.linalg.solve(matrix, mean)
        parts = {"points": points, "weights": weights, "bandwidths": bandwidths}
        return {name: value.float() for name, value in parts.items()}


def kernel(squares: Tensor, bandwidths: Tensor) -> Tensor:
    """The mean over bandwidths of rational quadratic kernels, from squared distances."""
    mean: Tensor = (1 + squares[..., None] / (2 * bandwidths.square())).reciprocal().mean(-1)
    return mean
