"""Beyond the paper: running moments through which the batch's gradient passes."""

from pydantic import Field
from torch import Tensor

from gfmn.common.bounds import FACTOR
from gfmn.common.compiling import compiled
from gfmn.common.config import Config
from gfmn.features.moments import Moments, RunningMoments
from gfmn.features.target import Target
from gfmn.training.objectives.base import (
    OBJECTIVES,
    MomentGradient,
    MomentObjective,
    feature_scale,
)


class MomentMatchingConfig(Config):
    """Parameters of moment matching."""

    decay: float = Field(0.95, ge=0, lt=1)  # of the past at each step, at minibatch 64
    # Added to each scale, in its tap's mean standard deviation.
    floor: float = Field(0.1, gt=0, le=FACTOR)


@OBJECTIVES.register("moment_matching")
class MomentMatching(MomentObjective):
    """Mean and standard deviation of running moments, in units of the real standard deviation.

    With m and s the running mean and standard deviation, w = sigma + floor * mean(sigma) of the
    tap and d its number of features, the objective is
    `sum over taps of 1/d sum ((m - mu) / w)^2 + ((s - sigma) / w)^2`:
    every tap counts equally, every feature in its own scale.
    """

    Config = MomentMatchingConfig

    def __init__(self, target: Target, config: MomentMatchingConfig, seed: int) -> None:
        super().__init__(target, config, seed)
        self.moments = RunningMoments(target.layout.features, config.decay, target.mean.device)
        scale = feature_scale(target, config.floor)
        self.weight = scale.square().reciprocal()  # 1 / (d w^2)
        for place, size in zip(target.layout.slices(), target.layout.sizes, strict=True):
            self.weight[place] /= size
        # Added to both variances: keeps the root's derivative finite where a feature is dead.
        self.tiny = (1e-2 * scale).square()
        self.real_deviation = (target.variance + self.tiny).sqrt()

    def moment_gradient(self, batch: Moments, count: int) -> MomentGradient:
        """Of the running moments, times the weight that the batch has in them."""
        self.moments.update(batch)
        constants = (self.weight, self.tiny, self.real_deviation)
        return MomentGradient(
            *_by_moments(*self.moments.current(), *constants, self.moments.newest_weight)
        )


@compiled
def _by_moments(
    first: Tensor,
    second: Tensor,
    weight: Tensor,
    tiny: Tensor,
    real_deviation: Tensor,
    newest_weight: Tensor,
) -> tuple[Tensor, Tensor]:
    deviation = ((second - first.square()).clamp_min(0) + tiny).sqrt()
    # By the running second moment, through s = sqrt(second - first^2).
    by_second = weight * (deviation - real_deviation) / deviation
    by_first = 2 * weight * first - 2 * by_second * first
    return by_first * newest_weight, by_second * newest_weight
