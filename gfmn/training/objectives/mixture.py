"""Means and deviations of the clusters of pooled features, each with its share of the samples."""

import torch
from pydantic import Field
from torch import Tensor, nn

from gfmn.common.bounds import FACTOR
from gfmn.common.config import Config
from gfmn.features.groups.base import square_distances
from gfmn.features.groups.mixture import PooledMixture
from gfmn.features.moments import RunningAverage
from gfmn.training.objectives.base import OBJECTIVES, Batch
from gfmn.training.objectives.pooled import PooledObjective, gathered, own

LEAST = 1e-6  # variance of a feature in a cluster: one generated sample has none


class MixtureConfig(Config):
    """Parameters of the mixture's objective."""

    decay: float = Field(0.95, ge=0, lt=1)  # of the past at each step, at minibatch 64
    # Of the mean squared distance to the clusters.
    temperature: float = Field(0.05, gt=0, le=FACTOR)
    rounds: int = Field(20, ge=1, le=1000)  # of Sinkhorn's algorithm


@OBJECTIVES.register("mixture")
class Mixture(PooledObjective):
    """`sum_k w_k (|m_k - mu_k|^2 + |s_k - sigma_k|^2) / D` over clusters of weights w.

    A batch is divided among the clusters at the least squared distance, each taking its real share
    and none more: an optimal transport with entropy (Cuturi 2013), at fixed values. m_k and s_k are
    the running mean and deviation of what a cluster got, mu_k and sigma_k the real ones.
    """

    Config = MixtureConfig
    needs = ("mixture",)

    def state(self, real: PooledMixture, config: MixtureConfig, seed: int) -> "Clusters":
        """See the base class."""
        return Clusters(real, config)

    def by_vector(self, state: "Clusters", vectors: Tensor, batch: Batch) -> Tensor:
        """See the base class."""
        x = gathered(vectors / state.real.scale, batch)
        shares = state.assign(x)  # B x K
        mean, deviation = state.update(x, shares)
        shift = mean - state.real.means
        ratio = 1 - state.real.deviations / deviation
        # dL/dx_i = 2 w / D sum_k shares_ik (m - mu + (s - sigma) / s (x_i - m))_k
        by_x = shares @ (shift - ratio * mean) + x * (shares @ ratio)
        weight = 2 * state.average.newest_weight / x.shape[1]
        return by_x[own(batch)] * weight / state.real.scale


class Clusters(nn.Module):
    """One pooled tap's real clusters, and the running moments of the generated ones."""

    def __init__(self, real: PooledMixture, config: MixtureConfig) -> None:
        super().__init__()
        self.real, self.temperature, self.rounds = real, config.temperature, config.rounds
        self.average = RunningAverage((2, *real.means.shape), config.decay, real.means.device)

    def assign(self, x: Tensor) -> Tensor:
        """Each sample's shares in the clusters, B x K: rows sum to 1/B, columns to the weights."""
        costs = square_distances(x, self.real.means)
        logits = -costs / (self.temperature * costs.mean())
        return transport(logits, self.real.weights, self.rounds)

    def update(self, x: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
        """Average a batch in; each cluster's mean and deviation, K x D."""
        of_cluster = (shares / self.real.weights).T
        self.average.update(torch.stack((of_cluster @ x, of_cluster @ x.square())))
        mean, second = self.average.current()
        return mean, (second - mean.square()).clamp_min(LEAST).sqrt()


def transport(logits: Tensor, weights: Tensor, rounds: int) -> Tensor:
    """The plan nearest to exp(logits), N x K, whose rows sum to 1/N and whose columns to `weights`.

    By Sinkhorn's algorithm, in logarithms; after the last round the columns are exact.
    """
    plan, row = logits, -torch.log(logits.new_tensor(float(len(logits))))
    for _ in range(rounds):
        plan = plan - plan.logsumexp(1, keepdim=True) + row
        plan = plan - plan.logsumexp(0, keepdim=True) + weights.log()
    return plan.exp()
