"""The paper's ADAM moving average of the moments' differences (section 2.2)."""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from gfmn.common.bounds import FACTOR, RATE
from gfmn.common.compiling import compiled, scalar_tensor
from gfmn.common.config import Config
from gfmn.features.moments import Moments
from gfmn.features.target import Delta, Target, differences
from gfmn.training.objectives.base import (
    OBJECTIVES,
    MomentGradient,
    MomentObjective,
    feature_scale,
    gradient_by_moments,
)

FLOOR = 0.1  # of a feature's scale, in its tap's mean standard deviation


class AMAConfig(Config):
    """Parameters of the ADAM moving average; the defaults are the paper's section 2.2.

    The published code is `beta1: 0.5, reduction: mean, init: uniform`.
    """

    rate: float = Field(5e-5, gt=0, le=RATE)  # ADAM's learning rate on v
    beta1: float = Field(0.9, ge=0, lt=1)
    beta2: float = Field(0.999, ge=0, lt=1)
    eps: float = Field(1e-8, ge=0, le=FACTOR)
    reduction: Literal["sum", "mean"] = "sum"  # of (v - Delta)^2: 1/2 the sum, or the mean
    init: Literal["zero", "uniform"] = "zero"  # v0: 0, or uniform in +-1/sqrt(F)
    # Features as they are, or each divided by its real standard deviation. The paper's networks
    # have batch norm, so that their features are near that scale already.
    normalize: Literal["none", "std"] = "none"


@OBJECTIVES.register("ama")
class AdamMovingAverage(MomentObjective):
    """v <- v - alpha ADAM(v - Delta), and the surrogate v . Delta (section 2.2).

    With `normalize: std` it is the same of features that were divided by w = sigma + 0.1
    mean(sigma) of the tap first: Delta is over w for the mean and over w^2 for the variance.
    """

    Config = AMAConfig

    def __init__(self, target: Target, config: AMAConfig, seed: int) -> None:
        super().__init__(target, config, seed)
        features, device = target.layout.features, target.mean.device
        start = torch.zeros(2, features)
        if config.init == "uniform":
            bound = features**-0.5
            start.uniform_(-bound, bound, generator=torch.Generator().manual_seed(seed))
        loss_scale = 1.0 if config.reduction == "sum" else 2 / features
        self.mean = _Adam(start[0].to(device), config, loss_scale)
        self.variance = _Adam(start[1].to(device), config, loss_scale)
        normalized = config.normalize == "std"
        self.inverse = feature_scale(target, FLOOR).reciprocal() if normalized else None  # 1 / w

    def moment_gradient(self, batch: Moments, count: int) -> MomentGradient:
        """-v by the mean and by the variance, after a step of v."""
        delta = self._normalized(differences(self.target, batch, count))
        self.mean.follow(delta.mean)
        self.variance.follow(delta.variance)
        v = self._normalized(Delta(self.mean.value, self.variance.value))
        return gradient_by_moments(batch, count, -v.mean, -v.variance)

    def _normalized(self, delta: Delta) -> Delta:
        """Differences of f / w from those of f, and the gradient by f from that by f / w."""
        if self.inverse is None:
            return delta
        return Delta(delta.mean * self.inverse, delta.variance * self.inverse.square())


class _Adam(nn.Module):
    """A vector v that ADAM takes toward Delta; its state is this module's buffers."""

    value: Tensor  # v, F
    first: Tensor  # ADAM's average of the gradient
    second: Tensor  # and of the gradient's square
    steps: Tensor

    def __init__(self, start: Tensor, config: AMAConfig, loss_scale: float) -> None:
        super().__init__()
        self.register_buffer("value", start.clone())
        self.register_buffer("first", torch.zeros_like(start))
        self.register_buffer("second", torch.zeros_like(start))
        self.register_buffer("steps", torch.zeros((), dtype=torch.float64, device=start.device))
        self._betas = (config.beta1, config.beta2)
        scalars = (loss_scale, 1 - config.beta1, 1 - config.beta2, config.rate, config.eps)
        self._scalars = [scalar_tensor(value, start.device) for value in scalars]

    def follow(self, delta: Tensor) -> None:
        self.steps += 1
        corrections = [(1 - beta**self.steps).float() for beta in self._betas]
        state = (self.value, self.first, self.second)
        _adam(delta, *state, *corrections, *self._scalars)


@compiled
def _adam(
    delta: Tensor,
    value: Tensor,
    first: Tensor,
    second: Tensor,
    first_correction: Tensor,
    second_correction: Tensor,
    loss_scale: Tensor,
    first_weight: Tensor,
    second_weight: Tensor,
    rate: Tensor,
    eps: Tensor,
) -> None:
    gradient = (value - delta) * loss_scale
    first.add_((gradient - first) * first_weight)
    second.add_((gradient * gradient - second) * second_weight)
    root = (second / second_correction).sqrt() + eps
    value.sub_(rate * (first / first_correction) / root)
