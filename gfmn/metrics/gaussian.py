"""The Gaussian of features, in float64 and one pass."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from gfmn.common.errors import InputError
from gfmn.metrics.arrays import chunks


@dataclass(frozen=True)
class Gaussian:
    """Mean (D) and unbiased covariance (D x D) of `count` samples' features, 2 or more, float64.

    `root`: the covariance's symmetric square root (D x D), where it is known.
    """

    count: int
    mean: Tensor
    covariance: Tensor
    root: Tensor | None = None

    @property
    def rank(self) -> int:
        """The highest rank that a covariance of `count` samples can have: count - 1, D at most."""
        return min(self.count - 1, len(self.mean))

    def with_root(self) -> "Gaussian":
        """The same with its root, which costs an eigendecomposition unless it is known."""
        return self if self.root is not None else replace(self, root=square_root(self))

    @classmethod
    def fit(cls, features: np.ndarray | Tensor) -> "Gaussian":
        """Fit to N x D features of any precision, N >= 2; memory does not grow with N."""
        total = GaussianSum()
        total.add(features)
        return total.gaussian()


def square_root(gaussian: Gaussian) -> Tensor:
    """The covariance's symmetric square root, D x D, of the same rank."""
    rank = gaussian.rank
    values, vectors = torch.linalg.eigh(gaussian.covariance)  # ascending
    values, vectors = values[-rank:].clamp_min(0), vectors[:, -rank:]
    root: Tensor = (vectors * values.sqrt()) @ vectors.T
    return root


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
        check_count(self.count)
        return Gaussian(self.count, self.mean.clone(), self.scatter / (self.count - 1))


def check_count(count: int) -> None:
    """Raise `InputError` for fewer rows than a covariance needs."""
    if count < 2:
        raise InputError(f"a covariance needs at least 2 rows of features, found {count}")
