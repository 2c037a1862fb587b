"""The group `covariance`: how the pooled features of all images vary together."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from gfmn.common import config
from gfmn.features.groups.base import Group, PooledPart, Vectors
from gfmn.runtime.distributed import World


class CovarianceConfig(config.Config):
    """Which directions of the pooled features are kept."""

    directions: int = Field(128, ge=1)  # of the largest variance, of each tap; at most its own D


@dataclass(frozen=True)
class PooledCovariance(PooledPart):
    """Principal directions of D pooled features, and the variances along k of them."""

    mean: Tensor  # D
    directions: Tensor  # D x k, columns of length 1
    variances: Tensor  # k, the largest first


class Covariance(Group):
    """Sums over all images in float64."""

    Config = CovarianceConfig
    Part = PooledCovariance

    def __init__(self, config: CovarianceConfig, images: int) -> None:
        self.config, self.count = config, 0
        self.sums: dict[str, tuple[Tensor, Tensor]] = {}  # of p, and of p p^T

    def update(self, vectors: Vectors, images: np.ndarray) -> None:
        """See the base class."""
        self.count += len(images)
        for tap, batch in vectors.items():
            wide = batch.double()
            pair = (wide.sum(0), wide.T @ wide)
            before = self.sums.get(tap)
            added = pair if before is None else (before[0] + pair[0], before[1] + pair[1])
            self.sums[tap] = added

    def result(self, world: World) -> dict[str, Tensor]:
        """See the base class."""
        count = torch.tensor(float(self.count), dtype=torch.float64, device=world.device)
        world.sum_(count, *(tensor for pair in self.sums.values() for tensor in pair))
        self.count, found = int(count), {}
        for tap, (total, products) in self.sums.items():
            mean = total / count
            covariance = (products - torch.outer(total, mean)) / (count - 1)
            variances, directions = torch.linalg.eigh(covariance.cpu())
            kept = min(self.config.directions, len(variances))
            found[f"{tap}/mean"] = mean.cpu().float()
            found[f"{tap}/directions"] = directions.flip(1)[:, :kept].float().contiguous()
            found[f"{tap}/variances"] = variances.flip(0)[:kept].clamp_min(0).float()
        return found

    def describe(self) -> dict[str, Any]:
        """See the base class."""
        return {**self.config.model_dump(mode="json"), "count": self.count}
