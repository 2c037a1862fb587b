"""The group `covariance`: how the pooled features of all images vary together."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from gfmn.common import config
from gfmn.common.bounds import VECTORS
from gfmn.features.groups.base import NO_CLASSES, Classes, Group, PooledPart, Vectors
from gfmn.runtime.distributed import World

AT_ONCE = 1024  # pooled features that are multiplied with each other


class CovarianceConfig(config.Config):
    """Which directions of the pooled features are kept."""

    # Of the largest variance, of each tap; at most its own D, and one less than there are images.
    directions: int = Field(128, ge=1, le=VECTORS)


@dataclass(frozen=True)
class PooledCovariance(PooledPart):
    """Principal directions of D pooled features, and the variances along k of them."""

    mean: Tensor  # D
    directions: Tensor  # D x k, columns of length 1 but for the classes' rows
    variances: Tensor  # k, the largest first

    AXES: ClassVar = {"mean": "D", "directions": "Dk", "variances": "k"}
    LEAST: ClassVar = {"variances": 0}


class Covariance(Group):
    """Sums over all images in float64."""

    Config = CovarianceConfig
    Part = PooledCovariance

    def __init__(
        self, config: CovarianceConfig, images: int, classes: Classes = NO_CLASSES
    ) -> None:
        self.config, self.classes, self.count = config, classes, 0
        self.sums: dict[str, tuple[Tensor, Tensor]] = {}  # of p, and of p p^T
        self.waiting: dict[str, list[Tensor]] = {}  # p that are not in the sums yet

    def update(self, vectors: Vectors, images: np.ndarray) -> None:
        """See the base class."""
        self.count += len(images)
        for tap, batch in vectors.items():
            waiting = self.waiting.setdefault(tap, [])
            waiting.append(batch)
            if sum(map(len, waiting)) >= AT_ONCE:
                self._add(tap)

    def _add(self, tap: str) -> None:
        """Take what waits into the sums; a product of many rows passes once over a large matrix."""
        wide = torch.cat(self.waiting.pop(tap, [])).double()
        if tap not in self.sums:
            width = wide.shape[1]
            self.sums[tap] = (wide.new_zeros(width), wide.new_zeros(width, width))
        total, products = self.sums[tap]
        total.add_(wide.sum(0))
        products.addmm_(wide.T, wide)

    def result(self, world: World) -> dict[str, Tensor]:
        """See the base class."""
        for tap in list(self.waiting):
            self._add(tap)
        count = torch.tensor(float(self.count), dtype=torch.float64, device=world.device)
        world.sum_(count, *(tensor for pair in self.sums.values() for tensor in pair))
        self.count, found = int(count), {}
        for tap, (total, products) in self.sums.items():
            mean = total / count
            covariance = ((products - torch.outer(total, mean)) / (count - 1)).cpu()
            scale = self._scale(covariance)
            variances, directions = torch.linalg.eigh(scale[:, None] * covariance * scale)
            directions *= scale[:, None]
            kept = min(self.config.directions, len(variances), max(1, self.count - 1))
            found[f"{tap}/mean"] = mean.cpu().float()
            found[f"{tap}/directions"] = directions.flip(1)[:, :kept].float().contiguous()
            found[f"{tap}/variances"] = variances.flip(0)[:kept].clamp_min(0).float()
        return found

    def _scale(self, covariance: Tensor) -> Tensor:
        """1 for features; for classes what makes two of them differ as the features can at most."""
        features = len(covariance) - self.classes.count
        scale = torch.ones(len(covariance), dtype=torch.float64)
        if self.classes.count:
            largest = torch.linalg.eigvalsh(covariance[:features, :features])[-1]
            scale[features:] = self.classes.weight * largest.sqrt()
        return scale

    def describe(self) -> dict[str, Any]:
        """See the base class."""
        return {**self.config.model_dump(mode="json"), "count": self.count}
