"""The Fréchet distance between two Gaussians, in float64 and without a general matrix root."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from gfmn.common.errors import InputError
from gfmn.metrics.arrays import chunks, float64


@dataclass(frozen=True)
class Gaussian:
    """Mean (D) and unbiased covariance (D x D) of `count` samples' features, 2 or more, float64."""

    count: int
    mean: Tensor
    covariance: Tensor

    @property
    def rank(self) -> int:
        """The highest rank that a covariance of `count` samples can have: count - 1, D at most."""
        return min(self.count - 1, len(self.mean))

    @cached_property
    def root(self) -> Tensor:
        """The covariance's symmetric square root, D x D, of the same rank."""
        values, vectors = torch.linalg.eigh(self.covariance)  # ascending
        values, vectors = values[-self.rank :].clamp_min(0), vectors[:, -self.rank :]
        root: Tensor = (vectors * values.sqrt()) @ vectors.T
        return root

    @classmethod
    def fit(cls, features: np.ndarray | Tensor) -> "Gaussian":
        """Fit to N x D features of any precision, N >= 2; memory does not grow with N."""
        total = GaussianSum()
        total.add(features)
        return total.gaussian()


class GaussianSum:
    """The Gaussian of features that come in batches: Chan's merge of means and scatters, float64.

    How the rows are cut into batches changes the result by rounding only.
    """

    def __init__(self) -> None:
        self.count = 0
        self.mean = torch.empty(0, dtype=torch.float64)  # D from the first batch on
        self.scatter = torch.empty(0, 0, dtype=torch.float64)  # sum of (x - mean)(x - mean)^T

    def add(self, features: np.ndarray | Tensor) -> None:
        """Take in N x D features of any precision, N >= 0; `InputError` for another D."""
        for rows in chunks(features):
            if self.count == 0:
                self.mean = rows.new_zeros(rows.shape[1])
                self.scatter = rows.new_zeros(rows.shape[1], rows.shape[1])
            self._merge(rows)

    def _merge(self, rows: Tensor) -> None:
        dimensions, count = len(self.mean), len(rows)
        if rows.shape[1] != dimensions:
            raise InputError(f"expected features of {dimensions} values, found {rows.shape[1]}")
        mean = rows.mean(0)
        rows -= mean
        delta, total = mean - self.mean, self.count + count
        self.scatter.addmm_(rows.T, rows).addr_(delta, delta, alpha=self.count * count / total)
        self.mean.add_(delta, alpha=count / total)
        self.count = total

    def gaussian(self) -> Gaussian:
        """The Gaussian of all rows so far; `InputError` for fewer than 2."""
        _enough(self.count)
        return Gaussian(self.count, self.mean.clone(), self.scatter / (self.count - 1))


def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """|m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a^1/2 S_b S_a^1/2)^1/2) (Heusel et al. 2017).

    The last trace is the sum of square roots of the eigenvalues of S_a^1/2 S_b S_a^1/2, a
    symmetric matrix, so rank-deficient covariances (fewer samples than dimensions) do no harm.
    Symmetric in a and b: of the two roots one is needed, and a known one is taken.
    """
    _same_dimensions(len(b.mean), a)
    if "root" in vars(b) and "root" not in vars(a):
        a, b = b, a
    overlap = _sum_of_roots(a.root @ b.covariance @ a.root, min(a.rank, b.rank))
    traces = a.covariance.trace() + b.covariance.trace()
    return float((a.mean - b.mean).square().sum() + traces - 2 * overlap)


def frechet_to(features: np.ndarray | Tensor, reference: Gaussian) -> float:
    """The Fréchet distance of N x D features to a Gaussian: `frechet_distance` by the cheaper form.

    With X the centred features, the eigenvalues of S^1/2 X^T X S^1/2 (D x D) that are not 0 are
    those of X S X^T (N x N). That is taken where N < D: no D x D matrix is decomposed then, not
    even for the reference's root.
    """
    if features.ndim != 2 or len(features) >= features.shape[1]:
        return frechet_distance(reference, Gaussian.fit(features))
    _same_dimensions(features.shape[1], reference)
    _enough(len(features))
    rows = float64(features)
    mean, rank = rows.mean(0), min(len(rows) - 1, reference.rank)
    rows = (rows - mean) / (len(rows) - 1) ** 0.5
    overlap = _sum_of_roots(rows @ reference.covariance @ rows.T, rank)
    traces = rows.square().sum() + reference.covariance.trace()
    return float((mean - reference.mean).square().sum() + traces - 2 * overlap)


def _sum_of_roots(matrix: Tensor, rank: int) -> Tensor:
    """Sum of the square roots of the `rank` greatest eigenvalues of a positive matrix.

    The others are 0 but for rounding, whose roots are no longer small.
    """
    total: Tensor = torch.linalg.eigvalsh(matrix)[-rank:].clamp_min(0).sqrt().sum()
    return total


def _enough(count: int) -> None:
    if count < 2:
        raise InputError(f"a covariance needs at least 2 rows of features, found {count}")


def _same_dimensions(dimensions: int, reference: Gaussian) -> None:
    if dimensions != len(reference.mean):
        expected = len(reference.mean)
        raise InputError(f"expected features of {expected} values, found {dimensions}")
