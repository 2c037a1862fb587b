"""The socket that every objective fits: taps of a batch in, a gradient per tap out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from gfmn.compiling import compiled
from gfmn.moments import Moments, RunningMoments, Target, batch_moments, from_rows, rows

REPORT_DECAY = 0.95  # of the running moments on which the reported loss rests


class Slope(NamedTuple):
    """Derivatives of an objective by the batch's first and second moment about the real mean."""

    first: Tensor  # F
    second: Tensor  # F


def _affine(matrix: Tensor, offset: Tensor, slope: Tensor) -> Tensor:
    return (offset + slope * matrix.float()).to(matrix.dtype)


affine = compiled(_affine)


class MomentObjective(ABC):
    """An objective of the batch's mean and variance alone.

    A batch's gradient is then elementwise in its features and in closed form: with g1 and g2 the
    objective's derivatives by the moments about the real mean mu,
    `dL/df = (g1 + 2 g2 (f - mu)) / B = a + b f`.
    No graph is kept for the moments, nothing is concatenated over samples, and what several
    processes must share is the moments alone.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self.generated = RunningMoments(
            target.layout.features, REPORT_DECAY, device=target.mean.device
        )

    @abstractmethod
    def slope(self, batch: Moments, count: int) -> Slope:
        """Take a step of the objective's own state and return its derivatives."""

    def gradients(self, taps: Sequence[Tensor]) -> list[Tensor]:
        """The objective's gradient by each tap (B x C x H x W), in the tap's own precision."""
        layout, mean, count = self.target.layout, self.target.mean, len(taps[0])
        batch = batch_moments(taps, mean, layout)
        self.generated.update(batch)
        first, second = self.slope(batch, count)
        slope = second * (2 / count)
        offset = first / count - slope * mean
        return [
            from_rows(affine(rows(tap.detach()), offset[place], slope[place]), shape)
            for tap, place, shape in zip(taps, layout.slices(), layout.shapes, strict=True)
        ]

    def loss(self) -> float:
        """Equation 1 on running moments: what is reported, whichever objective is minimised."""
        moments = self.generated.current()
        variance = moments.variance() - self.target.variance
        return float(moments.first.square().sum() + variance.square().sum())

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


def slope_of_variance(batch: Moments, count: int, mean: Tensor, variance: Tensor) -> Slope:
    """Derivatives by the moments, from those by the mean and by the *unbiased* variance.

    variance = B / (B - 1) (second - first^2).
    """
    second = variance * (count / (count - 1))
    return Slope(mean - 2 * batch.first * second, second)


def unbiased(batch: Moments, count: int) -> Tensor:
    """The batch's unbiased variance (F) from its moments over `count` samples."""
    return batch.variance() * (count / (count - 1))
