"""The Fréchet distance between two Gaussians, in float64 and without a general matrix root."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from gfmn.common.errors import InputError
from gfmn.metrics.arrays import chunks, float64
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.gaussian import Gaussian, GaussianSum, check_count
from gfmn.metrics.metric import Measurement, Metric, Reference, Samples

FRECHET = Metric("fd", "Fréchet distance", "lower", inception=("fid", "FID"), main=True)
METRICS: tuple[Metric, ...] = (FRECHET,)


def measure(samples: Samples, reference: Reference, config: MetricsConfig) -> Iterator[Measurement]:
    """The distance at each of `config.counts` below the number of samples.

    That of all samples comes with the extrapolation, which ends with it.
    """
    for size in sorted({n for n in config.counts if n < len(samples.features)}):
        distance = frechet_to(samples.features[:size], reference.real.gaussian)
        yield FRECHET.measurement(samples.space, size, distance)


def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """|m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a^1/2 S_b S_a^1/2)^1/2) (Heusel et al. 2017).

    The last trace is the sum of square roots of the eigenvalues of S_a^1/2 S_b S_a^1/2, a
    symmetric matrix, so rank-deficient covariances (fewer samples than dimensions) do no harm.
    Symmetric in a and b: of the two roots one is needed, and a known one is taken.
    """
    _check_dimensions(len(b.mean), a)
    if a.root is None and b.root is not None:
        a, b = b, a
    root = a.with_root().root
    assert root is not None
    overlap = _sum_of_roots(root @ b.covariance @ root, min(a.rank, b.rank))
    traces = a.covariance.trace() + b.covariance.trace()
    return float((a.mean - b.mean).square().sum() + traces - 2 * overlap)


def frechet_to(features: np.ndarray | Tensor, reference: Gaussian) -> float:
    """The Fréchet distance of N x D features to a Gaussian: `frechet_distance` by the cheaper form.

    With X the centered features, the eigenvalues of S^1/2 X^T X S^1/2 (D x D) that are not 0 are
    those of X S X^T (N x N). That is taken where N < D: no D x D matrix is decomposed then, not
    even for the reference's root.
    """
    if features.ndim != 2 or len(features) >= features.shape[1]:
        return frechet_distance(reference, Gaussian.fit(features))
    _check_dimensions(features.shape[1], reference)
    check_count(len(features))
    rows = float64(features)
    mean, rank = rows.mean(0), min(len(rows) - 1, reference.rank)
    rows = (rows - mean) / (len(rows) - 1) ** 0.5
    overlap = _sum_of_roots(rows @ reference.covariance @ rows.T, rank)
    traces = rows.square().sum() + reference.covariance.trace()
    return float((mean - reference.mean).square().sum() + traces - 2 * overlap)


class DistanceSum:
    """The Fréchet distance to a Gaussian of features that come in batches, for several distances.

    With the reference's root S^1/2, the covariance of the rows x S^1/2 is the matrix whose
    eigenvalues are asked for, so that a distance costs these alone. Of the rows' own covariance
    the trace is enough.
    """

    def __init__(self, reference: Gaussian) -> None:
        self.reference = reference.with_root()
        self.products = GaussianSum()  # of x S^1/2
        self.sum = torch.zeros_like(reference.mean)  # of x less the reference's mean
        self.squares = 0.0  # their squares' sum

    def add(self, features: np.ndarray | Tensor) -> None:
        """Take in N x D features of any precision, N >= 0; `InputError` for another D."""
        root = self.reference.root
        assert root is not None
        for rows in chunks(features):
            _check_dimensions(rows.shape[1], self.reference)
            rows -= self.reference.mean
            self.sum += rows.sum(0)
            self.squares += float(rows.square().sum())
            self.products.add(rows @ root)

    def distance(self) -> float:
        """That of all rows so far; `InputError` for fewer than 2."""
        products, reference = self.products.gaussian(), self.reference
        overlap = _sum_of_roots(products.covariance, min(products.rank, reference.rank))
        shift = (self.sum / products.count).square().sum()  # of the mean
        trace = (self.squares - products.count * shift) / (products.count - 1)
        return float(shift + trace + reference.covariance.trace() - 2 * overlap)


def _sum_of_roots(matrix: Tensor, rank: int) -> Tensor:
    """Sum of the square roots of the `rank` greatest eigenvalues of a positive matrix.

    The others are 0 but for rounding, whose roots are no longer small.
    """
    total: Tensor = torch.linalg.eigvalsh(matrix)[-rank:].clamp_min(0).sqrt().sum()
    return total


def _check_dimensions(dimensions: int, reference: Gaussian) -> None:
    if dimensions != len(reference.mean):
        expected = len(reference.mean)
        raise InputError(f"expected features of {expected} values, found {dimensions}")
