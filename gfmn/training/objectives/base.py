"""Base classes of objectives, and the pieces that several of them use.

An objective is called with the taps of a batch and returns its gradient by each tap in closed
form; no graph is kept for it. A file of this folder defines one objective and registers it under
the name that parameters use.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from gfmn.common import config
from gfmn.common.compiling import compiled, scalar_tensor
from gfmn.common.registry import Registry
from gfmn.features.moments import Moments, Target, batch_moments
from gfmn.networks.tap_gradients import AffineGradient
from gfmn.runtime.distributed import ALONE, World
from gfmn.training.objectives.monitor import Monitor

OBJECTIVES = Registry[type["Objective"]]()  # by name
# ------------------------------------------------------------------------------ base classes


class Objective(nn.Module, ABC):
    """What is matched, and how: a gradient per tap, and a scalar to report.

    What is reported is the same for every objective, by its `monitor`, which `forward` must feed.
    The module's buffers are its state.
    """

    Config: ClassVar[type[config.Config]] = config.Config  # its group of parameters; here: none

    def __init__(self, target: Target, config: Any, seed: int) -> None:
        """`config`: an instance of `Config`; `seed`: for whatever starts at random."""
        super().__init__()
        self.target = target
        self.monitor = Monitor(target)

    @abstractmethod
    def forward(
        self, taps: Sequence[Tensor], count: int | None = None, world: World = ALONE
    ) -> list[AffineGradient]:
        """Take a step of the objective's own state and return its gradient by each tap.

        `taps`: B x C x H x W each, this process's shard of a batch of `count` samples (by default
        all of it). Every process of the world gets the gradient of the whole batch's objective.
        """


class MomentGradient(NamedTuple):
    """Derivatives of an objective by the batch's first and second moment about the real mean."""

    first: Tensor  # F
    second: Tensor  # F


class MomentObjective(Objective):
    """An objective of the batch's mean and variance alone.

    A batch's gradient is then elementwise in its features: with g1 and g2 the objective's
    derivatives by the moments about the real mean mu,
    `dL/df = (g1 + 2 g2 (f - mu)) / B = offset + scale * f`.
    Nothing is concatenated over samples, and several processes exchange the moments alone.
    """

    @abstractmethod
    def moment_gradient(self, batch: Moments, count: int) -> MomentGradient:
        """Take a step of the objective's own state and return its derivatives.

        `batch`: the moments of all `count` samples about the real mean.
        """

    @torch.no_grad()
    def forward(
        self, taps: Sequence[Tensor], count: int | None = None, world: World = ALONE
    ) -> list[AffineGradient]:
        """See the base class; the moments are summed over the processes."""
        layout, mean = self.target.layout, self.target.mean
        shard = len(taps[0])
        count = count or shard
        batch = batch_moments(taps, mean, layout)
        if world.size > 1:
            for moment in batch:
                moment.mul_(shard / count)
            world.sum_(*batch)
        self.monitor.update(batch, count)
        gradient = self.moment_gradient(batch, count)
        offset, scale = _by_feature(*gradient, mean, scalar_tensor(count, mean.device))
        return [AffineGradient(offset[place], scale[place]) for place in layout.slices()]


@compiled
def _by_feature(
    first: Tensor, second: Tensor, mean: Tensor, count: Tensor
) -> tuple[Tensor, Tensor]:
    scale = second * (2 / count)
    return first / count - scale * mean, scale


# -------------------------------------------------------------------- used by several objectives


def gradient_by_moments(
    batch: Moments, count: int, by_mean: Tensor, by_variance: Tensor
) -> MomentGradient:
    """Derivatives by the moments, from those by the mean and by the *unbiased* variance.

    variance = B / (B - 1) (second - first^2).
    """
    unbiasing = scalar_tensor(count / (count - 1), by_mean.device)
    return MomentGradient(*_by_moments(batch.first, by_mean, by_variance, unbiasing))


@compiled
def _by_moments(
    first: Tensor, by_mean: Tensor, by_variance: Tensor, unbiasing: Tensor
) -> tuple[Tensor, Tensor]:
    second = by_variance * unbiasing
    return by_mean - 2 * first * second, second


def feature_scale(target: Target, floor: float) -> Tensor:
    """Each feature's scale w, F: its real standard deviation plus `floor` of its tap's mean one.

    The floor keeps features that hardly vary from deciding everything.
    """
    deviation = target.variance.sqrt()
    scale = torch.empty_like(deviation)
    for place in target.layout.slices():
        scale[place] = deviation[place] + floor * deviation[place].mean() + 1e-12
    return scale
