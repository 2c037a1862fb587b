"""The paper's moving average of the moments' differences (section 2.2)."""

import torch
from pydantic import Field
from torch import Tensor

from gfmn.common.config import Config
from gfmn.features.moments import Moments
from gfmn.features.target import Target, differences
from gfmn.training.objectives.base import (
    OBJECTIVES,
    MomentGradient,
    MomentObjective,
    gradient_by_moments,
)


class MAConfig(Config):
    """Parameters of the plain moving average (section 2.2)."""

    rate: float = Field(0.05, gt=0, le=1)  # alpha, the weight of the newest difference


@OBJECTIVES.register("ma")
class MovingAverage(MomentObjective):
    """v <- (1 - alpha) v + alpha Delta from v = 0, and the surrogate v . Delta (equation 3)."""

    Config = MAConfig
    mean: Tensor  # v of the means' differences, F
    variance: Tensor  # v of the variances' differences

    def __init__(self, target: Target, config: MAConfig, seed: int) -> None:
        super().__init__(target, config, seed)
        self.rate = config.rate
        self.register_buffer("mean", torch.zeros_like(target.mean))
        self.register_buffer("variance", torch.zeros_like(target.mean))

    def moment_gradient(self, batch: Moments, count: int) -> MomentGradient:
        """-v by the mean and by the variance, after a step of v."""
        delta = differences(self.target, batch, count)
        self.mean.lerp_(delta.mean, self.rate)
        self.variance.lerp_(delta.variance, self.rate)
        return gradient_by_moments(batch, count, -self.mean, -self.variance)
