"""What the generated features are matched to, and how far a batch is from it."""

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from gfmn.common.compiling import compiled, scalar_tensor
from gfmn.features.moments import Layout, Moments


@dataclass(frozen=True)
class PooledCovariance:
    """The group `covariance` of one pooled tap, of D pooled features and k directions."""

    tap: int  # its number among the selected taps
    mean: Tensor  # D float32
    directions: Tensor  # D x k, columns of length 1
    variances: Tensor  # k, the largest first


@dataclass(frozen=True)
class PooledBank:
    """The group `bank` of one pooled tap: real vectors in random order."""

    tap: int  # its number among the selected taps
    vectors: Tensor  # N x D float32


@dataclass(frozen=True)
class Target:
    """The real features' statistics: the moments of all taps in a row, groups by pooled tap."""

    layout: Layout
    mean: Tensor  # F float32
    variance: Tensor  # F float32, unbiased
    covariance: tuple[PooledCovariance, ...] = ()
    bank: tuple[PooledBank, ...] = ()


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
