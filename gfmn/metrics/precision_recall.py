"""Precision and recall by balls around the rows of each set."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from gfmn.common.errors import InputError
from gfmn.metrics.arrays import chunks, shape_of
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.metric import Measurement, Metric, Reference, Samples

BLOCK = 2048  # rows of each side whose distances are in memory at a time: 32 MiB
ROUNDING = 1e-13  # of a squared distance, relative to both rows' squared lengths
METRICS: tuple[Metric, ...] = (
    Metric("precision", "Precision", "higher", decimals=3, main=True),
    Metric("recall", "Recall", "higher", decimals=3, main=True),
)


def measure(samples: Samples, reference: Reference, config: MetricsConfig) -> Iterator[Measurement]:
    """Both of the first `config.manifold.count` images, against as many real ones if there are."""
    k = config.manifold.k
    generated = np.asarray(samples.features[: config.manifold.count])
    real = np.asarray(reference.real.features[reference.real.manifold])
    values = precision_recall(real, generated, k, reference.real.radii)
    over = f"k = {k}, {len(generated):,} and {len(real):,} images"
    for metric, value in zip(METRICS, values, strict=True):
        yield metric.measurement(samples.space, len(generated), value, over=over)


def radii(features: np.ndarray, k: int) -> np.ndarray:
    """Distance from each of N x D rows to its k-th nearest other row: N float64.

    A row with k or more exact duplicates has radius 0. Memory does not grow with N.
    """
    if features.ndim != 2 or not 1 <= k < len(features):
        actual = f"{k} in {shape_of(features)}"
        raise InputError(f"expected k from 1 up to fewer than all N rows of N x D, found {actual}")
    result = []
    for i, rows in enumerate(chunks(features, BLOCK)):
        nearest = torch.full((len(rows), k), torch.inf, dtype=torch.float64)
        for j, others in enumerate(chunks(features, BLOCK)):
            block = distances(rows, others)
            if i == j:
                block.fill_diagonal_(torch.inf)
            nearest = torch.cat([nearest, block], 1).topk(k, largest=False).values
        result.append(nearest[:, -1].clone())
    return torch.cat(result).numpy()


def precision_recall(
    real: np.ndarray, generated: np.ndarray, k: int, real_radii: np.ndarray | None = None
) -> tuple[float, float]:
    """Improved precision and recall (Kynkäänniemi et al. 2019, arXiv:1904.06991; there k = 3).

    real: N x D, generated: M x D features. Precision is the fraction of generated rows inside
    the ball of at least one real row, recall that of real rows inside the ball of at least one
    generated row; a row's ball reaches to its k-th nearest other row of its own set, boundary
    included, so that exact duplicates lie inside each other's balls of radius 0. Both depend on
    N, M and k. `real_radii`: `radii(real, k)`, if known. Memory grows with N and M by one radius
    and one flag per row only.
    """
    if real.ndim != 2 or generated.ndim != 2 or real.shape[1] != generated.shape[1]:
        actual = f"{shape_of(real)} and {shape_of(generated)}"
        raise InputError(f"expected N x D and M x D, found {actual}")
    if real_radii is None:
        real_radii = radii(real, k)
    elif real_radii.shape != (len(real),):
        raise InputError(f"expected {len(real)} radii, found {shape_of(real_radii)}")
    precise = np.zeros(len(generated), bool)
    recalled = np.zeros(len(real), bool)
    reaches = [torch.from_numpy(np.asarray(r, float)) for r in (real_radii, radii(generated, k))]
    i = 0
    for rows in chunks(generated, BLOCK):
        mine, j = slice(i, i := i + len(rows)), 0
        for others in chunks(real, BLOCK):
            theirs = slice(j, j := j + len(others))
            block = distances(rows, others)
            precise[mine] |= (block <= reaches[0][theirs]).any(1).numpy()
            recalled[theirs] |= (block <= reaches[1][mine, None]).any(0).numpy()
    return float(precise.mean()), float(recalled.mean())


def distances(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean distances N x M between the rows of N x D and M x D matrices, float64.

    By one matrix product; what is within its rounding is 0. That is a distance below 3e-7 of the
    rows' lengths, which float32 features do not resolve: exact duplicates are at exactly 0.
    """
    lengths = a.square().sum(1, keepdim=True) + b.square().sum(1)
    squares = torch.addmm(lengths, a, b.T, alpha=-2)
    return squares.masked_fill_(squares < ROUNDING * lengths, 0).sqrt_()
