"""Base class of objectives of pooled features, and what several of them keep."""

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from gfmn.features.target import Target
from gfmn.networks.tap_gradients import TapGradient
from gfmn.training.objectives.base import Batch, Gradient, Objective


class PooledObjective(Objective):
    """The sum over pooled taps of a function of their pooled features.

    It needs one group of the real statistics. A subclass makes a module of each tap's part in it,
    which holds the state, and says the gradient by that tap's pooled features. Where the group has
    classes, each sample's is among its features, so that how both go together is matched.
    """

    def __init__(self, target: Target, config: Any, seed: int) -> None:
        super().__init__(target, config, seed)
        (group,) = self.needs
        real = target.groups[group]
        self.numbers = tuple(part.tap for part in real)
        self.states = nn.ModuleList(self.state(part, config, seed) for part in real)

    @abstractmethod
    def state(self, real: Any, config: Any, seed: int) -> nn.Module:
        """What one tap's gradients are computed with; `real`: its part in the group."""

    @abstractmethod
    def by_vector(self, state: Any, vectors: Tensor, batch: Batch) -> Tensor:
        """Take a step of a tap's state; the gradient by a shard's vectors, B x D as they."""

    @torch.no_grad()
    def gradient(self, batch: Batch) -> Gradient:
        """See the base class."""
        by_tap: list[TapGradient | None] = [None] * len(self.target.layout.shapes)
        square = torch.zeros((), device=self.target.mean.device)
        for number, state in zip(self.numbers, self.states, strict=True):
            pooled = batch.pooled(number)
            vectors = pooled.vector
            width = vectors.shape[1]
            if batch.classes is not None:
                vectors = torch.cat((vectors, batch.classes), 1)
            by_vector = self.by_vector(state, vectors, batch)[:, :width]
            by_tap[number] = pooled.tap_gradient(by_vector)
            square += pooled.square_norm(by_vector)
        batch.world.sum_(square)
        return Gradient(by_tap, square)


class Queue(nn.Module):
    """Generated vectors of earlier batches, so that a small batch is seen among more of its kind.

    Places into which nothing was put yet hold 0 and are not `present`.
    """

    rows: Tensor  # Q x D, the newest first
    filled: Tensor  # how many there are

    def __init__(self, size: int, width: int, device: torch.device | str) -> None:
        super().__init__()
        self.register_buffer("rows", torch.zeros(size, width, device=device))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64, device=device))

    def push(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x (B x D), then the queue: (B + Q) x D, and which of them are present; x then goes in."""
        present = torch.arange(len(self.rows), device=x.device) < self.filled
        both = torch.cat((x, self.rows))
        self.rows.copy_(both[: len(self.rows)])
        self.filled.add_(len(x)).clamp_max_(len(self.rows))
        return both, torch.cat((present.new_ones(len(x)), present))


def gathered(x: Tensor, batch: Batch) -> Tensor:
    """All processes' rows of a batch, in order."""
    if batch.world.size == 1:
        return x
    rows = x.new_zeros(batch.count, x.shape[1])
    rows[own(batch)] = x
    batch.world.sum_(rows)
    return rows


def own(batch: Batch) -> slice:
    """This process's rows among the gathered ones."""
    shard = batch.world.shard(batch.count)
    return slice(shard.start, shard.stop)
