"""The socket that every objective fits: taps of a batch in, their gradient in closed form out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gfmn.common.compiling import compiled, number
from gfmn.features.moments import Layout, Moments, RunningMoments, Target, batch_moments
from gfmn.runtime.distributed import ALONE, World

REPORT_DECAY = 0.95  # of the running moments on which the reported loss rests


class Slope(NamedTuple):
    """Derivatives of an objective by the batch's first and second moment about the real mean."""

    first: Tensor  # F
    second: Tensor  # F


class Affine(NamedTuple):
    """A gradient by features: `offset + slope * f`, F each, the same for every sample."""

    offset: Tensor
    slope: Tensor

    def by_tap(self, layout: Layout) -> list["Affine"]:
        """The part of each tap."""
        return [Affine(self.offset[place], self.slope[place]) for place in layout.slices()]

    def times(self, weight: float) -> "Affine":
        """The gradient of the objective times `weight`."""
        return Affine(self.offset * weight, self.slope * weight)


class MomentObjective(nn.Module, ABC):
    """An objective of the batch's mean and variance alone.

    A batch's gradient is then elementwise in its features and in closed form: with g1 and g2 the
    objective's derivatives by the moments about the real mean mu,
    `dL/df = (g1 + 2 g2 (f - mu)) / B = a + b f`.
    No graph is kept for the moments, nothing is concatenated over samples, and what several
    processes must share is the moments alone. The module's buffers are its state.
    """

    def __init__(self, target: Target) -> None:
        super().__init__()
        self.target = target
        self.generated = RunningMoments(target.layout.features, REPORT_DECAY, target.mean.device)

    @abstractmethod
    def slope(self, batch: Moments, count: int) -> Slope:
        """Take a step of the objective's own state and return its derivatives."""

    @torch.no_grad()
    def gradient(
        self, taps: Sequence[Tensor], count: int | None = None, world: World = ALONE
    ) -> Affine:
        """Take a step and return the objective's gradient by the features of the taps.

        `taps`: B x C x H x W each, this process's part of a batch of `count` samples (by default
        all of it). The moments are those of the whole batch, so every process of the world gets
        the same answer, and the one that a single process would get.
        """
        mine = len(taps[0])
        count = count or mine
        batch = batch_moments(taps, self.target.mean, self.target.layout)
        if world.size > 1:
            for moment in batch:
                moment.mul_(mine / count)
            world.sum_(*batch)
        self.generated.take(batch)
        slope, mean = self.slope(batch, count), self.target.mean
        return Affine(*_by_feature(*slope, mean, number(count, mean.device)))

    def loss(self) -> Tensor:
        """Equation 1 on running moments: what is reported, whichever objective is minimised."""
        moments = self.generated.current()
        variance = moments.variance() - self.target.variance
        return moments.first.square().sum() + variance.square().sum()

    def gaps(self) -> list[tuple[float, float]]:
        """Per tap, the root-mean-square gap of means and of standard deviations.

        In units of the tap's root-mean-square real standard deviation, on running moments.
        """
        moments, real = self.generated.current(), self.target.variance
        deviation = moments.variance().sqrt_() - real.sqrt()
        result = []
        for place in self.target.layout.slices():
            unit = real[place].mean().sqrt().clamp_min(1e-12)
            means, deviations = moments.first[place], deviation[place]
            result.append(
                (
                    float(means.square().mean().sqrt() / unit),
                    float(deviations.square().mean().sqrt() / unit),
                )
            )
        return result


def spread(target: Target, floor: float) -> Tensor:
    """Each feature's unit, F: its real standard deviation plus `floor` of its tap's mean one.

    The floor keeps features that hardly vary from deciding everything.
    """
    real = target.variance.sqrt()
    unit = torch.empty_like(real)
    for place in target.layout.slices():
        unit[place] = real[place] + floor * real[place].mean() + 1e-12
    return unit


@compiled
def _by_feature(
    first: Tensor, second: Tensor, mean: Tensor, count: Tensor
) -> tuple[Tensor, Tensor]:
    slope = second * (2 / count)
    return first / count - slope * mean, slope


def slope_of_variance(batch: Moments, count: int, mean: Tensor, variance: Tensor) -> Slope:
    """Derivatives by the moments, from those by the mean and by the *unbiased* variance.

    variance = B / (B - 1) (second - first^2).
    """
    unbiasing = number(count / (count - 1), mean.device)
    return Slope(*_slope_of_variance(batch.first, mean, variance, unbiasing))


@compiled
def _slope_of_variance(
    first: Tensor, mean: Tensor, variance: Tensor, unbiasing: Tensor
) -> tuple[Tensor, Tensor]:
    second = variance * unbiasing
    return mean - 2 * first * second, second
