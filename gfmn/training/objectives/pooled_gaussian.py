"""Objectives of the pooled features' mean and covariance, per pooled tap.

A tap's pooled features p (D of them) are taken to `y = W^T (p - mu)`, W the k principal directions
of the real ones, each over `sqrt(variance + floor * mean variance)`: the real y have mean 0 and the
diagonal covariance R with values below 1. The generated y have the running mean m and covariance S.
An objective is a function of m and S; its gradient passes through the newest batch's part in them.
"""

from abc import abstractmethod
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from gfmn.common.bounds import FACTOR, VECTORS
from gfmn.common.config import Config
from gfmn.features.groups.covariance import PooledCovariance
from gfmn.features.moments import RunningAverage
from gfmn.training.objectives.base import OBJECTIVES, Batch
from gfmn.training.objectives.pooled import PooledObjective

Derivatives = tuple[Tensor, Tensor]
LEAST = 1e-4  # variance of a direction: a minibatch has fewer samples than there are directions


class PooledGaussianConfig(Config):
    """Parameters of every objective of this file."""

    decay: float = Field(0.9, ge=0, lt=1)  # of the past at each step, at minibatch 64
    floor: float = Field(0.1, gt=0, le=FACTOR)  # added to each direction's variance, in their mean


class ProjectedConfig(PooledGaussianConfig):
    """How many directions there are besides."""

    directions: int = Field(128, ge=1, le=VECTORS)


class PooledGaussian(PooledObjective):
    """A function of m and S, over k."""

    Config = PooledGaussianConfig
    needs = ("covariance",)

    def state(self, real: PooledCovariance, config: Any, seed: int) -> "Whitened":
        """See the base class."""
        return Whitened(real, config)

    @abstractmethod
    def derivatives(self, mean: Tensor, covariance: Tensor, tap: "Whitened") -> Derivatives:
        """By m (k) and by S (k x k, symmetric) of a tap."""

    def by_vector(self, state: "Whitened", vectors: Tensor, batch: Batch) -> Tensor:
        """S = E[y y^T] - m m^T, so dL/dy = w / B (dL/dm + 2 dL/dS (y - m))."""
        y = (vectors - state.center) @ state.whitening
        mean, covariance = state.update(y, batch)
        by_mean, by_covariance = self.derivatives(mean, covariance, state)
        weight = state.average.newest_weight / (batch.count * len(mean))
        by_y = (by_mean + 2 * (y - mean) @ by_covariance) * weight
        return by_y @ state.whitening.T


class Whitened(nn.Module):
    """The way to one tap's coordinates y, and their running mean and second moment."""

    directions: Tensor  # of `Projected`: k x P

    def __init__(self, real: PooledCovariance, config: PooledGaussianConfig) -> None:
        super().__init__()
        self.center = real.mean
        floored = real.variances + config.floor * real.variances.mean()
        self.whitening = real.directions / floored.sqrt()  # D x k
        self.real = real.variances / floored  # k: the diagonal of R
        k, device = len(self.real), real.mean.device
        self.average = RunningAverage((k + 1, k), config.decay, device)  # E[y], E[y y^T]

    def update(self, y: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        """Average a shard's y in; m and S of all batches so far."""
        newest = torch.cat((y.sum(0, keepdim=True), y.T @ y)) / batch.count
        batch.world.sum_(newest)
        self.average.update(newest)
        averages = self.average.current()
        mean, products = averages[0], averages[1:]
        return mean, products - torch.outer(mean, mean)


@OBJECTIVES.register("covariance")
class Covariance(PooledGaussian):
    """|m|^2 + |S - R|^2, the Frobenius distance of whitened covariances."""

    def derivatives(self, mean: Tensor, covariance: Tensor, tap: Whitened) -> Derivatives:
        """See the base class."""
        return 2 * mean, 2 * (covariance - torch.diag(tap.real))


@OBJECTIVES.register("projected")
class Projected(PooledGaussian):
    """|m|^2 + k / P sum_p (u_p^T (S - R) u_p)^2, u_p random directions of length 1 among the k.

    Variances along P directions alone, whatever lies between them: the cheap control of
    `covariance`.
    """

    Config = ProjectedConfig

    def state(self, real: PooledCovariance, config: Any, seed: int) -> Whitened:
        """See the base class."""
        state = Whitened(real, config)
        generator = torch.Generator().manual_seed(seed)
        directions = torch.randn(len(state.real), config.directions, generator=generator)
        directions /= directions.norm(dim=0)
        state.register_buffer("directions", directions.to(real.mean.device))
        return state

    def derivatives(self, mean: Tensor, covariance: Tensor, tap: Whitened) -> Derivatives:
        """See the base class."""
        u = tap.directions
        excess = ((covariance - torch.diag(tap.real)) @ u * u).sum(0)
        return 2 * mean, (u * excess) @ u.T * (2 * len(mean) / u.shape[1])


@OBJECTIVES.register("frechet")
class Frechet(PooledGaussian):
    """|m|^2 + tr(S + R - 2 (R^1/2 S R^1/2)^1/2), the squared Fréchet distance of both Gaussians.

    Source: Dowson and Landau 1982; on pooled features as a loss: FD-loss, arXiv:2604.28190.
    """

    capturable = False  # eigenvalues on a GPU are checked by the host

    def derivatives(self, mean: Tensor, covariance: Tensor, tap: Whitened) -> Derivatives:
        """By S: I - R^1/2 (R^1/2 S R^1/2)^-1/2 R^1/2."""
        root = tap.real.sqrt()
        values, vectors = torch.linalg.eigh(root[:, None] * covariance * root)
        inverse = (vectors / values.clamp_min(LEAST).sqrt()) @ vectors.T
        identity = torch.eye(len(root), device=root.device)
        return 2 * mean, identity - root[:, None] * inverse * root


@OBJECTIVES.register("gaussian_kl")
class GaussianKL(PooledGaussian):
    """KL(N(m, S) | N(0, R)) = (tr(R^-1 S) + m^T R^-1 m - k - log det R^-1 S) / 2 (MGFlow,
    arXiv:2609.35763, takes it as a loss on frozen features)."""

    capturable = False

    def derivatives(self, mean: Tensor, covariance: Tensor, tap: Whitened) -> Derivatives:
        """By m: R^-1 m; by S: (R^-1 - S^-1) / 2."""
        precision = tap.real.clamp_min(LEAST).reciprocal()
        values, vectors = torch.linalg.eigh(covariance)
        inverse = (vectors / values.clamp_min(LEAST)) @ vectors.T
        return precision * mean, (torch.diag(precision) - inverse) / 2
