"""The kernel distance: an unbiased squared maximum mean discrepancy, averaged over subsets."""

from collections.abc import Iterator

import numpy as np
from torch import Tensor

from gfmn.common.errors import InputError
from gfmn.metrics.arrays import float64, shape_of
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.metric import Measurement, Metric, Reference, Samples

KERNEL = Metric("kd", "Kernel distance", "lower", inception=("kid", "KID"), main=True)
METRICS: tuple[Metric, ...] = (KERNEL,)


def measure(samples: Samples, reference: Reference, config: MetricsConfig) -> Iterator[Measurement]:
    """The distance over `config.kernel.subsets` subsets, smaller where there are few images."""
    features, real = samples.features, reference.real.features
    subsets, size = config.kernel.subsets, min(config.kernel.size, len(features), len(real))
    mean, std = kernel_distance(features, real, subsets, size, config.seed)
    over = f"{subsets} subsets of {size:,}"
    yield KERNEL.measurement(samples.space, len(features), mean, std, over)


def kernel_distance(
    a: np.ndarray, b: np.ndarray, subsets: int, size: int, seed: int
) -> tuple[float, float]:
    """Mean and population deviation of the squared MMD over `subsets` draws of `size` rows.

    a: N x D, b: M x D features, whose kernel is k(x, y) = (x.y / D + 1)^3 (Bińkowski et al. 2018,
    arXiv:1801.01401). The estimate is unbiased at any size, so it may fall below 0.
    Rows are drawn without replacement by `numpy.random.RandomState(seed)`, for each subset a's
    and then b's: the order of torch-fidelity, whose Kernel Inception Distance has the same value.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise InputError(f"expected N x D and M x D, found {shape_of(a)} and {shape_of(b)}")
    if subsets < 1 or not 2 <= size <= min(len(a), len(b)):
        actual = f"{subsets} of {size} rows out of {len(a)} and {len(b)}"
        raise InputError(f"expected 1 or more subsets of 2 up to all rows, found {actual}")
    random = np.random.RandomState(seed)
    estimates = []
    for _ in range(subsets):
        x, y = (float64(s[random.choice(len(s), size, replace=False)]) for s in (a, b))
        estimates.append(_squared_mmd(x, y))
    return float(np.mean(estimates)), float(np.std(estimates))


def _squared_mmd(x: Tensor, y: Tensor) -> float:
    """Unbiased estimate from two sets of n rows each: pairs of a row with itself do not count."""
    own = sum(kernel.sum() - kernel.trace() for kernel in (_kernel(x, x), _kernel(y, y)))
    return float(own / (len(x) * (len(x) - 1)) - 2 * _kernel(x, y).mean())


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T).div_(x.shape[1]).add_(1).pow_(3)
