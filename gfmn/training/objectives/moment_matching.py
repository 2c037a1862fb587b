"""Beyond the paper: running moments through which the batch's gradient passes."""

from pydantic import Field
from torch import Tensor

from gfmn.common.compiling import compiled
from gfmn.common.config import Config
from gfmn.features.moments import Moments, RunningMoments, Target
from gfmn.training.objectives.base import MomentObjective, Slope, spread


class RunningConfig(Config):
    """Parameters of the `running` objective."""

    decay: float = Field(0.95, ge=0, lt=1)  # share of the past kept at each step, at minibatch 64
    floor: float = Field(0.1, gt=0)  # added to each scale, in its tap's mean standard deviation


class Running(MomentObjective):
    """Mean and standard deviation of running moments, matched in units of the real spread.

    With m and s the running mean and standard deviation, w = sigma + floor * mean(sigma) of the
    tap and d its number of features, the objective is
    `sum over taps of 1/d sum ((m - mu) / w)^2 + ((s - sigma) / w)^2`:
    every tap counts equally, every feature in its own scale.
    """

    def __init__(self, target: Target, config: RunningConfig) -> None:
        super().__init__(target)
        self.moments = RunningMoments(target.layout.features, config.decay, target.mean.device)
        scale = spread(target, config.floor)
        self.weight = scale.square().reciprocal()  # 1 / (d w^2)
        for place, size in zip(target.layout.slices(), target.layout.sizes, strict=True):
            self.weight[place] /= size
        # Added to both variances: keeps the root's derivative finite where a feature is dead.
        self.tiny = (1e-2 * scale).square()
        self.deviation = (target.variance + self.tiny).sqrt()

    def slope(self, batch: Moments, count: int) -> Slope:
        running, share = self.moments.update(batch), self.moments.share
        first, second = _slope(*running, self.weight, self.tiny, self.deviation, share)
        return Slope(first, second)


@compiled
def _slope(
    first: Tensor, second: Tensor, weight: Tensor, tiny: Tensor, deviation: Tensor, share: Tensor
) -> tuple[Tensor, Tensor]:
    spread = ((second - first.square()).clamp_min(0) + tiny).sqrt()
    # By the running second moment, through s = sqrt(second - first^2).
    by_second = weight * (spread - deviation) / spread
    by_first = 2 * weight * first - 2 * by_second * first
    return by_first * share, by_second * share
