"""The group `quantiles`: how the pooled real features are distributed along random directions."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor

from gfmn.common.bounds import VECTORS
from gfmn.features.groups.base import POSITIVE, Fitted, FittedConfig, PooledPart


class QuantilesConfig(FittedConfig):
    """How many directions there are, and how finely each is measured."""

    directions: int = Field(256, ge=1, le=VECTORS)
    levels: int = Field(256, ge=2, le=VECTORS)


@dataclass(frozen=True)
class PooledQuantiles(PooledPart):
    """Quantiles of vectors x = p / scale along P directions, at the levels (i + 1/2) / Q."""

    scale: Tensor  # D
    directions: Tensor  # D x P, columns of length 1
    values: Tensor  # Q x P, ascending

    AXES: ClassVar = {"scale": "D", "directions": "DP", "values": "QP"}
    LEAST: ClassVar = {"scale": POSITIVE}


class Quantiles(Fitted):
    """Quantiles of the drawn vectors along directions that are drawn at random."""

    Config = QuantilesConfig
    Part = PooledQuantiles
    config: QuantilesConfig

    def fit(self, standardized: Tensor) -> dict[str, Tensor]:
        """See the base class."""
        generator = torch.Generator().manual_seed(self.config.seed)
        shape = (standardized.shape[1], self.config.directions)
        directions = torch.randn(shape, generator=generator, dtype=torch.float64)
        directions /= directions.norm(dim=0)
        levels = (torch.arange(self.config.levels, dtype=torch.float64) + 0.5) / self.config.levels
        values = torch.quantile(standardized.double() @ directions, levels, dim=0)
        return {"directions": directions.float(), "values": values.float()}
