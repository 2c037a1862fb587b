"""The paper's equation 1 as it stands, on the minibatch alone."""

from gfmn.features.moments import Moments
from gfmn.features.target import differences
from gfmn.training.objectives.base import (
    OBJECTIVES,
    MomentGradient,
    MomentObjective,
    gradient_by_moments,
)


@OBJECTIVES.register("l2")
class L2(MomentObjective):
    """|mu - m|^2 + |sigma - s|^2 over all features; m and s are the minibatch's (equation 1)."""

    def moment_gradient(self, batch: Moments, count: int) -> MomentGradient:
        """-2 Delta by the mean and by the variance."""
        delta = differences(self.target, batch, count)
        return gradient_by_moments(batch, count, -(2 * delta.mean), -(2 * delta.variance))
