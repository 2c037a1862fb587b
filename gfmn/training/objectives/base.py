"""Base classes of objectives, and the pieces that several of them use.

An objective is given a batch's taps and their moments, and returns its gradient by each tap in
closed form; no graph is kept for it. A file of this folder defines one objective and registers it
under the name that parameters use.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from gfmn.common import config
from gfmn.common.compiling import compiled, scalar_tensor
from gfmn.common.registry import Registry
from gfmn.features.moments import Moments
from gfmn.features.pooled import Pooled
from gfmn.features.target import Target
from gfmn.networks.tap_gradients import AffineGradient, TapGradient
from gfmn.runtime.distributed import World

OBJECTIVES = Registry[type["Objective"]]()  # by name
# ------------------------------------------------------------------------------ base classes


class Shard(NamedTuple):
    """What one process knows of its part of a minibatch."""

    size: int  # samples
    moments: Moments  # of these samples, about the real mean
    pool: Callable[[int], Pooled]  # the pooled features of a tap, by its number


@dataclass(frozen=True)
class Batch:
    """What an objective sees of a minibatch."""

    shard: Shard  # of this process
    moments: Moments  # of all `count` samples, about the real mean
    count: int  # samples over all processes
    world: World
    classes: Tensor | None = None  # B x K, 1 in each sample's own; None: none were asked for
    _pooled: dict[int, Pooled] = field(default_factory=dict, init=False)

    def pooled(self, number: int) -> Pooled:
        """A tap's pooled features, computed once for all objectives."""
        if number not in self._pooled:
            self._pooled[number] = self.shard.pool(number)
        return self._pooled[number]


class Gradient(NamedTuple):
    """An objective's gradient by each tap, and its squared length over all samples and taps."""

    by_tap: list[TapGradient | None]  # None: the objective ignores the tap
    square_norm: Tensor  # over all processes


class Objective(nn.Module, ABC):
    """What is matched, and how. The module's buffers are its state."""

    Config: ClassVar[type[config.Config]] = config.Config  # its group of parameters; here: none
    needs: ClassVar[tuple[str, ...]] = ()  # groups of the real statistics besides the moments
    numbers: tuple[int, ...] = ()  # of the taps whose pooled features it asks for
    capturable: ClassVar[bool] = True  # by a CUDA graph: nothing in it waits for the device

    def __init__(self, target: Target, config: Any, seed: int) -> None:
        """`config`: an instance of `Config`; `seed`: for whatever starts at random."""
        super().__init__()
        self.target = target

    @abstractmethod
    def gradient(self, batch: Batch) -> Gradient:
        """Take a step of the objective's own state and return its gradient.

        Every process of the world gets the gradient of the whole batch's objective by its shard.
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

    def gradient(self, batch: Batch) -> Gradient:
        """See the base class."""
        mean, count = self.target.mean, scalar_tensor(batch.count, self.target.mean.device)
        gradient = self.moment_gradient(batch.moments, batch.count)
        offset, scale, square = _by_feature(*gradient, *batch.moments, mean, count)
        places = self.target.layout.slices()
        return Gradient([AffineGradient(offset[p], scale[p]) for p in places], square)


@compiled
def _by_feature(
    by_first: Tensor, by_second: Tensor, first: Tensor, second: Tensor, mean: Tensor, count: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    scale = by_second * (2 / count)
    square = by_first.square() + 4 * by_second * (by_first * first + by_second * second)
    return by_first / count - scale * mean, scale, square.sum() / count


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
