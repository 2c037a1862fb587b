"""What the generated features are matched to, and how far a batch is from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Tensor

from gfmn.common.compiling import compiled, scalar_tensor
from gfmn.features.moments import Layout, Moments


@dataclass(frozen=True)
class Target:
    """The real features' statistics: the moments of all taps in a row, and groups."""

    layout: Layout
    mean: Tensor  # F float32
    variance: Tensor  # F float32, unbiased
    groups: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)  # parts of pooled taps


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
