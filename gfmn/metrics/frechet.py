"""The Fréchet distance between two Gaussians, in float64 and without a general matrix root."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor


@dataclass(frozen=True)
class Gaussian:
    """Mean (D) and unbiased covariance (D x D) of `count` samples' features, float64."""

    count: int
    mean: Tensor
    covariance: Tensor

    @cached_property
    def root(self) -> Tensor:
        """The covariance's symmetric square root, D x D."""
        values, vectors = torch.linalg.eigh(self.covariance)
        root: Tensor = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
        return root

    @classmethod
    def fit(cls, features: Tensor) -> "Gaussian":
        """Fit to N x D features of any precision."""
        features = features.double()
        return cls(len(features), features.mean(0), torch.cov(features.T))


def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """|m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a^1/2 S_b S_a^1/2)^1/2) (Heusel et al. 2017).

    The last trace is the sum of square roots of the eigenvalues of S_a^1/2 S_b S_a^1/2, a
    symmetric matrix, so rank-deficient covariances (fewer samples than dimensions) do no harm.
    """
    eigenvalues = torch.linalg.eigvalsh(a.root @ b.covariance @ a.root).clamp_min(0)
    traces = a.covariance.trace() + b.covariance.trace() - 2 * eigenvalues.sqrt().sum()
    return float((a.mean - b.mean).square().sum() + traces)
