"""Batch moments of features, their merge over batches, and running averages of them.

Everything here works on rows: a tap's B x C x H x W features as a B x F matrix in the order of
one sample's memory (channels last), so that one kernel serves every tap and no copy is made.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gfmn.common.compiling import compiled
from gfmn.networks.rows import rows


@dataclass(frozen=True)
class Layout:
    """Where each tap lies in a vector of all F features."""

    shapes: tuple[tuple[int, ...], ...]  # C x H x W of each tap

    @property
    def sizes(self) -> list[int]:
        """Features of each tap."""
        return [torch.Size(shape).numel() for shape in self.shapes]

    @property
    def features(self) -> int:
        """Features of all taps together."""
        return sum(self.sizes)

    def slices(self) -> list[slice]:
        """Each tap's place in the vector."""
        ends = list(accumulate(self.sizes))
        return [slice(end - size, end) for end, size in zip(ends, self.sizes, strict=True)]


class Moments(NamedTuple):
    """First and second moment about a fixed shift: E[f - shift] and E[(f - shift)^2], each F.

    With the shift near the mean nothing cancels, and averages of such moments over batches,
    chunks or processes stay moments.
    """

    first: Tensor
    second: Tensor

    def variance(self) -> Tensor:
        """Population variance, not below 0."""
        return (self.second - self.first.square()).clamp_min_(0)


def _shifted_moments(matrix: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    difference = matrix.float() - shift
    return difference.mean(0), difference.square().mean(0)


shifted_moments = compiled(_shifted_moments)


def batch_moments(taps: Iterable[Tensor], shift: Tensor, layout: Layout) -> Moments:
    """Moments of a batch's taps (each B x C x H x W, any precision) about `shift` (F), float32.

    Each tap is done with before the next is asked for.
    """
    first, second = torch.empty_like(shift), torch.empty_like(shift)
    for tap, place in zip(taps, layout.slices(), strict=True):
        first[place], second[place] = shifted_moments(rows(tap.detach()), shift[place])
    return Moments(first, second)


class RunningAverage(nn.Module):
    """An exponential average of tensors, free of the start's bias (as ADAM's are).

    `decay` is the weight of the past at each step. The state is the module's buffers.
    """

    value: Tensor  # toward 0 at the start
    total_weight: Tensor  # of all tensors so far: 1 - decay^t

    def __init__(
        self, shape: tuple[int, ...], decay: float, device: torch.device | str = "cpu"
    ) -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("value", torch.zeros(shape, device=device))
        zero = torch.zeros((), dtype=torch.float64, device=device)
        self.register_buffer("total_weight", zero)

    def update(self, newest: Tensor) -> None:
        """Average a further tensor in."""
        self.total_weight.mul_(self.decay).add_(1 - self.decay)
        self.value.lerp_(newest, 1 - self.decay)

    def current(self) -> Tensor:
        """The average, corrected for the bias toward the start's 0; after at least one update."""
        return self.value / self.total_weight.float()

    @property
    def newest_weight(self) -> Tensor:
        """The newest tensor's weight in `current`: its derivative by that tensor."""
        return ((1 - self.decay) / self.total_weight).float()


class RunningMoments(nn.Module):
    """Exponential averages of batch moments, at decay .95 and minibatch 64 of 1,280 samples."""

    def __init__(self, features: int, decay: float, device: torch.device | str = "cpu") -> None:
        super().__init__()
        self.average = RunningAverage((2, features), decay, device)

    def update(self, batch: Moments) -> None:
        """Average a further batch in."""
        self.average.update(torch.stack(batch))

    def current(self) -> Moments:
        """The averages; after at least one update."""
        return Moments(*self.average.current())

    @property
    def newest_weight(self) -> Tensor:
        """The newest batch's weight in `current`: its derivative by that batch's moments."""
        return self.average.newest_weight


class MergedMoments:
    """Mean and unbiased variance over any number of batches, by Chan's merge in float64."""

    def __init__(self, features: int) -> None:
        self.count = 0
        self.mean = torch.zeros(features, dtype=torch.float64)
        self.squares = torch.zeros(features, dtype=torch.float64)  # about the mean, summed

    def update(self, batch: Moments, shift: Tensor, count: int) -> None:
        """Merge a batch of `count` samples whose moments were taken about `shift` (F)."""
        mean = (shift.double() + batch.first.double()).cpu()
        variance = (batch.second.double() - batch.first.double().square()).cpu().clamp_min_(0)
        self.merge(count, mean, variance.mul_(count))

    def merge(self, count: int, mean: Tensor, squares: Tensor) -> None:
        """Merge `count` samples by their mean and squares about it, F float64 each on the CPU."""
        if count == 0:  # an empty shard changes nothing, and its mean means nothing
            return
        total = self.count + count
        delta = mean - self.mean
        self.squares.add_(squares)
        self.squares.addcmul_(delta, delta, value=self.count * count / total)
        self.mean.add_(delta, alpha=count / total)
        self.count = total

    def variance(self) -> Tensor:
        """The unbiased variance, F float64; defined from two samples on."""
        return self.squares / (self.count - 1)
