"""The paper's objectives: equation 1 as it stands, its moving average, its ADAM moving average."""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from gfmn.config import Config
from gfmn.moments import Moments, Target
from gfmn.objectives.base import MomentObjective, Slope, slope_of_variance, unbiased


class PlainLoss(MomentObjective):
    """Equation 1 on the minibatch alone: |mu - m|^2 + |sigma - s|^2 over all features."""

    def slope(self, batch: Moments, count: int) -> Slope:
        difference = differences(self.target, batch, count)
        return surrogate_slope(2 * difference, batch, count)


class MAConfig(Config):
    """Parameters of the plain moving average (section 2.2)."""

    rate: float = Field(0.05, gt=0, le=1)  # alpha, the newest difference's share


class MovingAverage(MomentObjective):
    """v <- (1 - alpha) v + alpha Delta from v = 0, and the surrogate v . Delta (equation 3)."""

    def __init__(self, target: Target, config: MAConfig) -> None:
        super().__init__(target)
        self.rate = config.rate
        self.average = torch.zeros(2, target.layout.features, device=target.mean.device)

    def slope(self, batch: Moments, count: int) -> Slope:
        self.average.lerp_(differences(self.target, batch, count), self.rate)
        return surrogate_slope(self.average, batch, count)


class AMAConfig(Config):
    """Parameters of the ADAM moving average; the defaults are the paper's section 2.2.

    The published code is `beta1: 0.5, reduction: mean, initial: uniform`.
    """

    rate: float = Field(5e-5, gt=0)  # ADAM's learning rate on v
    beta1: float = Field(0.9, ge=0, lt=1)
    beta2: float = Field(0.999, ge=0, lt=1)
    eps: float = Field(1e-8, ge=0)
    reduction: Literal["sum", "mean"] = "sum"  # of (v - Delta)^2: 1/2 the sum, or the mean
    initial: Literal["zero", "uniform"] = "zero"  # v0: 0, or uniform in +-1/sqrt(F)


class AdamMovingAverage(MomentObjective):
    """v <- v - alpha ADAM(v - Delta), and the surrogate v . Delta (section 2.2)."""

    def __init__(self, target: Target, config: AMAConfig, seed: int = 0) -> None:
        super().__init__(target)
        features = target.layout.features
        start = torch.zeros(2, features)
        if config.initial == "uniform":
            bound = features**-0.5
            start.uniform_(-bound, bound, generator=torch.Generator().manual_seed(seed))
        self.average = torch.nn.Parameter(start.to(target.mean.device))
        self.scale = 1.0 if config.reduction == "sum" else 2 / features
        betas = (config.beta1, config.beta2)
        self.adam = torch.optim.Adam(
            [self.average], lr=config.rate, betas=betas, eps=config.eps, fused=True
        )

    def slope(self, batch: Moments, count: int) -> Slope:
        difference = differences(self.target, batch, count)
        with torch.no_grad():
            self.average.grad = (self.average - difference).mul_(self.scale)
        self.adam.step()
        return surrogate_slope(self.average.detach(), batch, count)


def differences(target: Target, batch: Moments, count: int) -> Tensor:
    """Delta (2 x F): real minus generated mean, real minus generated unbiased variance."""
    return torch.stack([-batch.first, target.variance - unbiased(batch, count)])


def surrogate_slope(average: Tensor, batch: Moments, count: int) -> Slope:
    """Derivatives of v . Delta for a fixed v (2 x F): -v by the mean, -v by the variance."""
    return slope_of_variance(batch, count, -average[0], -average[1])
