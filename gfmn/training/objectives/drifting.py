"""Drifting: each sample moves toward real ones near it and away from generated ones near it.

Source: Generative Modeling via Drifting, arXiv:2602.04770, in the space of pooled features.
"""

from typing import NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from gfmn.common.config import Config
from gfmn.features.pooled import pool
from gfmn.features.target import PooledBank, Target
from gfmn.networks.tap_gradients import TapGradient
from gfmn.training.objectives.base import OBJECTIVES, Batch, Gradient, Objective

TINY = 1e-12
FAR = 1e9  # a distance that no weight survives


class DriftingConfig(Config):
    """Parameters of drifting."""

    positives: int = Field(256, ge=1)  # real vectors of the bank at each step, one after another
    queue: int = Field(192, ge=0)  # generated vectors of earlier steps among the negatives
    temperatures: tuple[float, ...] = (0.05, 0.2)  # of the mean distance to the positives
    floor: float = Field(0.1, gt=0)  # added to each deviation, in their mean


@OBJECTIVES.register("drifting")
class Drifting(Objective):
    """The sum over pooled taps and temperatures of -V . x, V the drift of x at fixed weights.

    x are the batch's pooled features, each over its real deviation. With the kernel
    `k(x, y) = exp(-|x - y| / t)`, normalized over the rows and over the columns of all y, and A its
    geometric mean, `V = sum_ij A(x, y+_i) A(x, y-_j) (y+_i - y-_j)`; y+ are real vectors of the
    bank, y- the batch itself without x and a queue of earlier samples. V has unit root mean square.
    """

    Config = DriftingConfig
    needs = ("bank",)

    def __init__(self, target: Target, config: DriftingConfig, seed: int) -> None:
        super().__init__(target, config, seed)
        self.temperatures = config.temperatures
        self.parts = nn.ModuleList(_Neighbors(bank, config, seed) for bank in target.bank)

    @torch.no_grad()
    def gradient(self, batch: Batch) -> Gradient:
        """See the base class."""
        by_tap: list[TapGradient | None] = [None] * len(batch.taps)
        square = torch.zeros((), device=self.target.mean.device)
        shard = batch.world.shard(batch.count)
        for part in self.parts:
            assert isinstance(part, _Neighbors)
            pooled = pool(batch.taps[part.tap])
            x = part.standardized(pooled.vector)
            everyone = gathered(x, batch)
            near = part.step(everyone)
            drift = torch.zeros_like(everyone)
            for temperature in self.temperatures:
                drift += field(everyone, near, temperature)
            by_vector = -drift[shard.start : shard.stop] / batch.count / part.scale
            by_tap[part.tap] = pooled.tap_gradient(by_vector)
            square += pooled.square_norm(by_vector)
        batch.world.sum_(square)
        return Gradient(by_tap, square)


class _Neighbors(nn.Module):
    """One pooled tap's real vectors, and the queue of generated ones."""

    queue: Tensor  # Q x D, the newest first
    filled: Tensor  # how many of them there are
    position: Tensor  # in the bank, of the next positives

    def __init__(self, bank: PooledBank, config: DriftingConfig, seed: int) -> None:
        super().__init__()
        deviation = bank.vectors.std(0)
        self.tap, self.positives = bank.tap, config.positives
        self.scale = deviation + config.floor * deviation.mean() + TINY
        self.bank = self.standardized(bank.vectors)
        device = bank.vectors.device
        self.register_buffer("queue", torch.zeros(config.queue, len(deviation), device=device))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64, device=device))
        start = torch.tensor(seed * 7919 % len(self.bank), device=device)
        self.register_buffer("position", start)

    def standardized(self, vectors: Tensor) -> Tensor:
        """Each feature over its real deviation."""
        return vectors / self.scale

    def step(self, x: Tensor) -> "Near":
        """The next positives, and the negatives: x and the queue, into which x then goes."""
        numbers = torch.arange(self.positives, device=x.device)
        positives = self.bank[(self.position + numbers) % len(self.bank)]
        self.position.add_(self.positives).remainder_(len(self.bank))
        present = torch.arange(len(self.queue), device=x.device) < self.filled
        near = Near(positives, torch.cat((x, self.queue)), present)
        self.queue.copy_(torch.cat((x, self.queue))[: len(self.queue)])
        self.filled.add_(len(x)).clamp_max_(len(self.queue))
        return near


class Near(NamedTuple):
    """What a batch x drifts toward and away from."""

    positives: Tensor  # P x D
    negatives: Tensor  # (B + Q) x D, x itself first
    present: Tensor  # Q bool: places of the queue into which something was put


def field(x: Tensor, near: Near, temperature: float) -> Tensor:
    """V, B x D, at a temperature in the mean distance to the positives; root mean square 1."""
    count = len(x)
    to_positives, to_negatives = (distances(x, y) for y in (near.positives, near.negatives))
    to_negatives.fill_diagonal_(FAR)
    to_negatives[:, count:] = torch.where(near.present, to_negatives[:, count:], FAR)
    logits = torch.cat((to_positives, to_negatives), 1) / (-temperature * to_positives.mean())
    weights = (logits.softmax(1) * logits.softmax(0)).sqrt()
    attract, repel = weights.split((len(near.positives), len(near.negatives)), 1)
    attraction = (attract * repel.sum(1, keepdim=True)) @ near.positives
    drift = attraction - (repel * attract.sum(1, keepdim=True)) @ near.negatives
    normalized: Tensor = drift / (drift.square().mean().sqrt() + TINY)
    return normalized


def distances(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean, N x M; not by products, whose rounding is large where rows are near."""
    found: Tensor = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
    return found


def gathered(x: Tensor, batch: Batch) -> Tensor:
    """All processes' rows of a batch, in order."""
    if batch.world.size == 1:
        return x
    shard, rows = batch.world.shard(batch.count), x.new_zeros(batch.count, x.shape[1])
    rows[shard.start : shard.stop] = x
    batch.world.sum_(rows)
    return rows
