"""Drifting: each sample moves toward real ones near it and away from generated ones near it.

Source: Generative Modeling via Drifting, arXiv:2602.04770, in the space of pooled features.
"""

from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from gfmn.common.bounds import BATCH, FACTOR
from gfmn.common.config import Config
from gfmn.features.groups.bank import PooledBank
from gfmn.features.groups.base import square_distances
from gfmn.training.objectives.base import OBJECTIVES, Batch
from gfmn.training.objectives.pooled import PooledObjective, Queue, gathered, own

TINY = 1e-12
FAR = 1e9  # a distance that no weight survives


class DriftingConfig(Config):
    """Parameters of drifting."""

    # Real vectors of the bank at each step, one after another.
    positives: int = Field(256, ge=1, le=BATCH)
    # Generated vectors of earlier steps among the negatives.
    queue: int = Field(192, ge=0, le=BATCH)
    # Of the mean distance to the positives.
    temperatures: tuple[Annotated[float, Field(gt=0, le=FACTOR)], ...] = Field(
        (0.05, 0.2), min_length=1, max_length=32
    )


@OBJECTIVES.register("drifting")
class Drifting(PooledObjective):
    """The sum over temperatures of -V . x, V the drift of x at fixed weights.

    x are the batch's pooled features, each over its real deviation. With the kernel
    `k(x, y) = exp(-|x - y| / t)`, normalized over the rows and over the columns of all y, and A its
    geometric mean, `V = sum_ij A(x, y+_i) A(x, y-_j) (y+_i - y-_j)`; y+ are real vectors of the
    bank, y- the batch itself without x and a queue of earlier samples. V has unit root mean square.
    """

    Config = DriftingConfig
    needs = ("bank",)

    def state(self, real: PooledBank, config: DriftingConfig, seed: int) -> "Neighbors":
        """See the base class."""
        return Neighbors(real, config, seed)

    def by_vector(self, state: "Neighbors", vectors: Tensor, batch: Batch) -> Tensor:
        """See the base class."""
        x = gathered(vectors / state.scale, batch)
        near = state.step(x)
        drift = torch.zeros_like(x)
        for temperature in state.temperatures:
            drift += field(x, near, temperature)
        return -drift[own(batch)] / batch.count / state.scale


class Neighbors(nn.Module):
    """One pooled tap's real vectors, and the queue of generated ones."""

    position: Tensor  # in the bank, of the next positives

    def __init__(self, real: PooledBank, config: DriftingConfig, seed: int) -> None:
        super().__init__()
        self.positives, self.temperatures = config.positives, config.temperatures
        self.scale, self.bank = real.scale, real.vectors
        device = real.vectors.device
        self.queue = Queue(config.queue, len(self.scale), device)
        start = torch.tensor(seed * 7919 % len(self.bank), device=device)
        self.register_buffer("position", start)

    def step(self, x: Tensor) -> "Near":
        """The next positives, and the negatives: x and the queue, into which x then goes."""
        numbers = torch.arange(self.positives, device=x.device)
        positives = self.bank[(self.position + numbers) % len(self.bank)]
        self.position.add_(self.positives).remainder_(len(self.bank))
        return Near(positives, *self.queue.push(x))


class Near(NamedTuple):
    """What a batch x drifts toward and away from."""

    positives: Tensor  # P x D
    negatives: Tensor  # (B + Q) x D, x itself first
    present: Tensor  # B + Q bool: which of these there are


def field(x: Tensor, near: Near, temperature: float) -> Tensor:
    """V, B x D, at a temperature in the mean distance to the positives; root mean square 1."""
    to_positives = square_distances(x, near.positives).sqrt()
    to_negatives = square_distances(x, near.negatives).sqrt()
    to_negatives = torch.where(near.present, to_negatives, FAR)
    to_negatives.fill_diagonal_(FAR)
    logits = torch.cat((to_positives, to_negatives), 1) / (-temperature * to_positives.mean())
    weights = (logits.softmax(1) * logits.softmax(0)).sqrt()
    attract, repel = weights.split((len(near.positives), len(near.negatives)), 1)
    attraction = (attract * repel.sum(1, keepdim=True)) @ near.positives
    drift = attraction - (repel * attract.sum(1, keepdim=True)) @ near.negatives
    normalized: Tensor = drift / (drift.square().mean().sqrt() + TINY)
    return normalized
