"""The kernel distance: an unbiased squared maximum mean discrepancy, averaged over subsets."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gfmn.common.errors import InputError
from gfmn.metrics.arrays import float64, rows_at_once, shape_of
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.metric import Measurement, Metric, RealSums, Reference, Samples

KERNEL = Metric("kd", "Kernel distance", "lower", inception=("kid", "KID"), main=True)
METRICS: tuple[Metric, ...] = (KERNEL,)
BLOCK = 1024  # rows of each side whose kernel is in memory at a time: 8 MiB


def measure(samples: Samples, reference: Reference, config: MetricsConfig) -> Iterator[Measurement]:
    """The distance over `config.kernel.subsets` subsets; see `subset_size`."""
    features, real = samples.features, reference.real.features
    subsets, size = config.kernel.subsets, subset_size(config, len(features), len(real))
    sums = reference.real.kernel_sums
    mean, std = kernel_distance(features, real, subsets, size, config.seed, sums)
    over = f"{subsets} subsets of {size:,}"
    yield KERNEL.measurement(samples.space, len(features), mean, std, over)


def subset_size(config: MetricsConfig, *counts: int) -> int:
    """`config.kernel.size`, or half of the fewest images where it is not below their number.

    Subsets of all images would be the same, and their deviation 0.
    """
    least = min(counts)
    return config.kernel.size if config.kernel.size < least else max(2, least // 2)


def kernel_distance(
    a: np.ndarray, b: np.ndarray, subsets: int, size: int, seed: int, known: RealSums | None = None
) -> tuple[float, float]:
    """Mean and population deviation of the squared MMD over `subsets` draws of `size` rows.

    a: N x D, b: M x D features, whose kernel is k(x, y) = (x.y / D + 1)^3 (Bińkowski et al. 2018,
    arXiv:1801.01401). The estimate is unbiased at any size, so it may fall below 0.
    Rows are drawn without replacement by `numpy.random.RandomState(seed)`, for each subset a's
    and then b's: the order of torch-fidelity, whose Kernel Inception Distance has the same value.
    `known`: sums over b alone, which the next a of as many rows shares; they are added to it.

    All in float64. Where the subsets have more pairs of rows than there are, each pair's kernel is
    computed once for all of them.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise InputError(f"expected N x D and M x D, found {shape_of(a)} and {shape_of(b)}")
    if subsets < 1 or not 2 <= size <= min(len(a), len(b)):
        actual = f"{subsets} of {size} rows out of {len(a)} and {len(b)}"
        raise InputError(f"expected 1 or more subsets of 2 up to all rows, found {actual}")
    random = np.random.RandomState(seed)
    draws = [
        (random.choice(len(a), size, replace=False), random.choice(len(b), size, replace=False))
        for _ in range(subsets)
    ]
    x = _Drawn(a, np.stack([of_a for of_a, _ in draws]))
    y = _Drawn(b, np.stack([of_b for _, of_b in draws]))
    once = (len(a) + len(b)) ** 2 < 6 * subsets * size**2  # by symmetry half of all pairs
    sums = _sums_of_all if once else _sums_by_subset
    known = {} if known is None else known
    key = (len(a), subsets, size, seed)
    if key not in known:
        known[key] = sums(y, y)
    own = (sums(x, x) + known[key]) / (size * (size - 1))
    estimates = own - 2 * sums(x, y) / size**2
    return float(estimates.mean()), float(estimates.std(correction=0))


@dataclass(frozen=True)
class _Drawn:
    """One side's features (N x D), and the rows of each subset (S x n)."""

    features: np.ndarray
    subsets: np.ndarray

    def rows(self, rows: slice | np.ndarray) -> Tensor:
        """Some rows in float64, for `_kernel`."""
        return float64(self.features[rows])

    def blocks(self) -> Iterator[slice]:
        """Of all rows, in order."""
        step = rows_at_once(self.features.shape[1], BLOCK)
        for i in range(0, len(self.features), step):
            yield slice(i, i + step)

    def members(self) -> Tensor:
        """N x S float64: 1 where a subset has a row."""
        members = torch.zeros(len(self.features), len(self.subsets), dtype=torch.float64)
        return members.scatter_(0, torch.from_numpy(self.subsets.T), 1)


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    """n x m float64 of n and m rows."""
    return (x @ y.T).div_(x.shape[1]).add_(1).pow_(3)


def _sums_by_subset(a: _Drawn, b: _Drawn) -> Tensor:
    """S sums of the kernel over each subset's pairs; of one side, without a row with itself."""
    sums = []
    for i, j in zip(a.subsets, b.subsets, strict=True):
        x = a.rows(i)
        kernel = _kernel(x, x if a is b else b.rows(j))
        sums.append(kernel.sum() - kernel.trace() if a is b else kernel.sum())
    return torch.stack(sums)


def _sums_of_all(a: _Drawn, b: _Drawn) -> Tensor:
    """The same from the kernel of all pairs of rows, each of one side once."""
    total = torch.zeros(len(a.subsets), dtype=torch.float64)
    of_a, of_b = a.members(), b.members()
    for i in a.blocks():
        x = a.rows(i)
        for j in b.blocks():
            if a is b and j.start < i.start:
                continue
            kernel = _kernel(x, b.rows(j))
            if a is b and i == j:
                kernel.fill_diagonal_(0)
            sums = (kernel @ of_b[j]).mul_(of_a[i]).sum(0)
            total += 2 * sums if a is b and i != j else sums
    return total
