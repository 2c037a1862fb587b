"""The paper's objectives: equation 1 as it stands, its moving average, its ADAM moving average."""

from typing import Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from gfmn.common.compiling import compiled, number
from gfmn.common.config import Config
from gfmn.features.moments import Moments, Target
from gfmn.training.objectives.base import MomentObjective, Slope, slope_of_variance, spread

FLOOR = 0.1  # of a feature's unit, in its tap's mean standard deviation


class PlainLoss(MomentObjective):
    """Equation 1 on the minibatch alone: |mu - m|^2 + |sigma - s|^2 over all features."""

    def slope(self, batch: Moments, count: int) -> Slope:
        delta = differences(self.target, batch, count)
        return surrogate_slope(2 * delta.mean, 2 * delta.variance, batch, count)


class MAConfig(Config):
    """Parameters of the plain moving average (section 2.2)."""

    rate: float = Field(0.05, gt=0, le=1)  # alpha, the newest difference's share


class MovingAverage(MomentObjective):
    """v <- (1 - alpha) v + alpha Delta from v = 0, and the surrogate v . Delta (equation 3)."""

    mean: Tensor  # v of the means' differences, F
    variance: Tensor  # v of the variances' differences

    def __init__(self, target: Target, config: MAConfig) -> None:
        super().__init__(target)
        self.rate = config.rate
        self.register_buffer("mean", torch.zeros_like(target.mean))
        self.register_buffer("variance", torch.zeros_like(target.mean))

    def slope(self, batch: Moments, count: int) -> Slope:
        delta = differences(self.target, batch, count)
        self.mean.lerp_(delta.mean, self.rate)
        self.variance.lerp_(delta.variance, self.rate)
        return surrogate_slope(self.mean, self.variance, batch, count)


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
    # What Delta is counted in: features as they are, or each in units of its real spread. The
    # paper's networks have batch norm, so that their features are near such units already.
    units: Literal["feature", "spread"] = "feature"


class AdamMovingAverage(MomentObjective):
    """v <- v - alpha ADAM(v - Delta), and the surrogate v . Delta (section 2.2).

    With `units: spread` it is the same of features that were divided by w = sigma + 0.1
    mean(sigma) of the tap first: Delta is over w for the mean and over w^2 for the variance.
    """

    def __init__(self, target: Target, config: AMAConfig, seed: int = 0) -> None:
        super().__init__(target)
        features, device = target.layout.features, target.mean.device
        start = torch.zeros(2, features)
        if config.initial == "uniform":
            bound = features**-0.5
            start.uniform_(-bound, bound, generator=torch.Generator().manual_seed(seed))
        scale = 1.0 if config.reduction == "sum" else 2 / features
        self.mean = _Adam(start[0].to(device), config, scale)
        self.variance = _Adam(start[1].to(device), config, scale)
        self.inverse = spread(target, FLOOR).reciprocal() if config.units == "spread" else None

    def slope(self, batch: Moments, count: int) -> Slope:
        delta = self._in_units(differences(self.target, batch, count))
        self.mean.follow(delta.mean)
        self.variance.follow(delta.variance)
        v = self._in_units(Delta(self.mean.value, self.variance.value))
        return surrogate_slope(v.mean, v.variance, batch, count)

    def _in_units(self, delta: "Delta") -> "Delta":
        """Differences of features over w, and the gradient by a feature from that by f / w."""
        if self.inverse is None:
            return delta
        return Delta(delta.mean * self.inverse, delta.variance * self.inverse.square())


class _Adam(nn.Module):
    """A vector v that ADAM takes toward Delta; its state is this module's buffers."""

    value: Tensor  # v, F
    first: Tensor  # ADAM's average of the gradient
    second: Tensor  # and of the gradient's square
    steps: Tensor

    def __init__(self, start: Tensor, config: AMAConfig, scale: float) -> None:
        super().__init__()
        self.register_buffer("value", start.clone())
        self.register_buffer("first", torch.zeros_like(start))
        self.register_buffer("second", torch.zeros_like(start))
        self.register_buffer("steps", torch.zeros((), dtype=torch.float64, device=start.device))
        self._betas = (config.beta1, config.beta2)
        numbers = (scale, 1 - config.beta1, 1 - config.beta2, config.rate, config.eps)
        self._numbers = [number(n, start.device) for n in numbers]

    def follow(self, delta: Tensor) -> None:
        self.steps += 1
        corrections = [(1 - beta**self.steps).float() for beta in self._betas]
        state = (self.value, self.first, self.second)
        _adam(delta, *state, *corrections, *self._numbers)


@compiled
def _adam(
    delta: Tensor,
    value: Tensor,
    first: Tensor,
    second: Tensor,
    first_correction: Tensor,
    second_correction: Tensor,
    scale: Tensor,
    first_share: Tensor,
    second_share: Tensor,
    rate: Tensor,
    eps: Tensor,
) -> None:
    gradient = (value - delta) * scale
    first.add_((gradient - first) * first_share)
    second.add_((gradient * gradient - second) * second_share)
    root = (second / second_correction).sqrt() + eps
    value.sub_(rate * (first / first_correction) / root)


class Delta(NamedTuple):
    """Real minus generated mean, real minus generated unbiased variance, F each."""

    mean: Tensor
    variance: Tensor


def differences(target: Target, batch: Moments, count: int) -> Delta:
    """Delta of a batch of `count` samples."""
    unbiasing = number(count / (count - 1), target.mean.device)
    return Delta(*_differences(*batch, target.variance, unbiasing))


@compiled
def _differences(
    first: Tensor, second: Tensor, variance: Tensor, unbiasing: Tensor
) -> tuple[Tensor, Tensor]:
    return -first, variance - (second - first.square()).clamp_min(0) * unbiasing


def surrogate_slope(mean: Tensor, variance: Tensor, batch: Moments, count: int) -> Slope:
    """Derivatives of v . Delta for a fixed v: -v by the mean, -v by the variance."""
    return slope_of_variance(batch, count, -mean, -variance)
