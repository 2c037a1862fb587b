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

from gfmn.common.compiling import compiled, scalar_tensor
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


@dataclass(frozen=True)
class Target:
    """What the generated features are matched to: the real ones' moments, all taps in a row."""

    layout: Layout
    mean: Tensor  # F float32
    variance: Tensor  # F float32, unbiased


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


class Delta(NamedTuple):
    """Real minus generated mean, real minus generated unbiased variance, F each."""

    mean: Tensor
    variance: Tensor


def differences(target: Target, batch: Moments, count: int) -> Delta:
    """Delta of a batch of `count` samples."""
    unbiasing = scalar_tensor(count / (count - 1), target.mean.device)
    return Delta(*_differences(*batch, target.variance, unbiasing))


@compiled
def _differences(
    first: Tensor, second: Tensor, variance: Tensor, unbiasing: Tensor
) -> tuple[Tensor, Tensor]:
    return -first, variance - (second - first.square()).clamp_min(0) * unbiasing


class RunningMoments(nn.Module):
    """Exponential averages of batch moments, free of the start's bias (as ADAM's are).

    `decay` is the weight of the past at each step: at .95 and minibatch 64 the averages rest on
    about 1,280 samples. The state is the module's buffers.
    """

    first: Tensor  # F, toward 0 at the start
    second: Tensor
    total_weight: Tensor  # of all batches so far: 1 - decay^t

    def __init__(self, features: int, decay: float, device: torch.device | str = "cpu") -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("first", torch.zeros(features, device=device))
        self.register_buffer("second", torch.zeros(features, device=device))
        zero = torch.zeros((), dtype=torch.float64, device=device)
        self.register_buffer("total_weight", zero)

    def update(self, batch: Moments) -> None:
        """Average a further batch in."""
        self.total_weight.mul_(self.decay).add_(1 - self.decay)
        self.first.lerp_(batch.first, 1 - self.decay)
        self.second.lerp_(batch.second, 1 - self.decay)

    def current(self) -> Moments:
        """The averages, corrected for the bias toward the start's 0; after at least one update."""
        weight = self.total_weight.float()
        return Moments(self.first / weight, self.second / weight)

    @property
    def newest_weight(self) -> Tensor:
        """The newest batch's weight in `current`: its derivative by that batch's moments."""
        return ((1 - self.decay) / self.total_weight).float()


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
