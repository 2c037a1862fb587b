"""Objectives of the pooled features' mean and covariance, per pooled tap.

A tap's pooled features p (D of them) are taken to `y = W^T (p - mu)`, W the k principal directions
of the real ones, each over `sqrt(variance + floor * mean variance)`: the real y have mean 0 and the
diagonal covariance R with values below 1. The generated y have the running mean m and covariance S.
An objective is a function of m and S; its gradient passes through the newest batch's part in them.
"""

from abc import abstractmethod

import torch
from pydantic import Field
from torch import Tensor, nn

from gfmn.common.config import Config
from gfmn.features.moments import RunningAverage
from gfmn.features.pooled import pool
from gfmn.features.target import PooledCovariance, Target
from gfmn.networks.tap_gradients import TapGradient
from gfmn.training.objectives.base import OBJECTIVES, Batch, Gradient, Objective

LEAST = 1e-4  # variance of a direction: a minibatch has fewer samples than there are directions


class PooledGaussianConfig(Config):
    """Parameters of every objective of this file."""

    decay: float = Field(0.9, ge=0, lt=1)  # of the past at each step, at minibatch 64
    floor: float = Field(0.1, gt=0)  # added to each direction's variance, in their mean


class PooledGaussian(Objective):
    """The sum over pooled taps of a function of m and S, over k."""

    Config = PooledGaussianConfig
    needs = ("covariance",)

    def __init__(self, target: Target, config: PooledGaussianConfig, seed: int) -> None:
        super().__init__(target, config, seed)
        parts = [Whitened(real, config) for real in target.covariance]
        self.parts = nn.ModuleList(parts)

    @abstractmethod
    def derivatives(self, mean: Tensor, covariance: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """By m (k) and by S (k x k, symmetric); `real`: the diagonal of R."""

    @torch.no_grad()
    def gradient(self, batch: Batch) -> Gradient:
        """See the base class."""
        by_tap: list[TapGradient | None] = [None] * len(batch.taps)
        square = torch.zeros((), device=self.target.mean.device)
        for part in self.parts:
            assert isinstance(part, Whitened)
            pooled = pool(batch.taps[part.tap])
            y = part.coordinates(pooled.vector)
            mean, covariance = part.update(y, batch)
            by_mean, by_covariance = self.derivatives(mean, covariance, part.real)
            # S = E[y y^T] - m m^T, so dL/dy = w / B (dL/dm + 2 dL/dS (y - m)).
            weight = part.average.newest_weight / (batch.count * len(mean))
            by_y = (by_mean + 2 * (y - mean) @ by_covariance) * weight
            by_vector = by_y @ part.whitening.T
            by_tap[part.tap] = pooled.tap_gradient(by_vector)
            square += pooled.square_norm(by_vector)
        batch.world.sum_(square)
        return Gradient(by_tap, square)


class Whitened(nn.Module):
    """One pooled tap's coordinates y, and their running mean and second moment."""

    def __init__(self, real: PooledCovariance, config: PooledGaussianConfig) -> None:
        super().__init__()
        self.tap, self.center = real.tap, real.mean
        floored = real.variances + config.floor * real.variances.mean()
        self.whitening = real.directions / floored.sqrt()  # D x k
        self.real = real.variances / floored  # k
        k, device = len(self.real), real.mean.device
        self.average = RunningAverage((k + 1, k), config.decay, device)  # E[y], E[y y^T]

    def coordinates(self, vectors: Tensor) -> Tensor:
        """B x D -> B x k."""
        return (vectors - self.center) @ self.whitening

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

    def derivatives(self, mean: Tensor, covariance: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """See the base class."""
        return 2 * mean, 2 * (covariance - torch.diag(real))


@OBJECTIVES.register("frechet")
class Frechet(PooledGaussian):
    """|m|^2 + tr(S + R - 2 (R^1/2 S R^1/2)^1/2), the squared Fréchet distance of both Gaussians.

    Source: Dowson and Landau 1982; on pooled features as a loss: FD-loss, arXiv:2604.28190.
    """

    capturable = False  # eigenvalues on a GPU are checked by the host

    def derivatives(self, mean: Tensor, covariance: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """By S: I - R^1/2 (R^1/2 S R^1/2)^-1/2 R^1/2."""
        root = real.sqrt()
        values, vectors = torch.linalg.eigh(root[:, None] * covariance * root)
        inverse = (vectors / values.clamp_min(LEAST).sqrt()) @ vectors.T
        return 2 * mean, torch.eye(len(real), device=real.device) - root[:, None] * inverse * root


@OBJECTIVES.register("gaussian_kl")
class GaussianKL(PooledGaussian):
    """KL(N(m, S) | N(0, R)) = (tr(R^-1 S) + m^T R^-1 m - k - log det R^-1 S) / 2 (MGFlow,
    arXiv:2609.35763, takes it as a loss on frozen features)."""

    capturable = False

    def derivatives(self, mean: Tensor, covariance: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """By m: R^-1 m; by S: (R^-1 - S^-1) / 2."""
        precision = real.clamp_min(LEAST).reciprocal()
        values, vectors = torch.linalg.eigh(covariance)
        inverse = (vectors / values.clamp_min(LEAST)) @ vectors.T
        return precision * mean, (torch.diag(precision) - inverse) / 2
