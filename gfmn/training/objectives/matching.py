"""What a training matches: an objective, further ones added to it, and what is reported."""

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from torch import Tensor, nn

from gfmn.features.moments import batch_moments
from gfmn.features.pooled import pool
from gfmn.features.target import Target
from gfmn.networks.tap_gradients import SumGradient, TapGradient
from gfmn.runtime.distributed import ALONE, World
from gfmn.training.objectives.base import Batch, Objective, Shard
from gfmn.training.objectives.monitor import Monitor

TINY = 1e-30  # squared length of a gradient, below which it counts as 0


class Matching(nn.Module):
    """The sum of an objective's gradient and those of others, each of a given length.

    `added`: objectives, and the length of each one's gradient over all samples and taps in that of
    `first`. What is reported is the same for every objective, by `monitor`. The buffers are the
    state.
    """

    def __init__(
        self,
        target: Target,
        first: Objective,
        added: Mapping[str, tuple[Objective, float]] | None = None,
    ) -> None:
        super().__init__()
        added = added or {}
        self.target, self.first = target, first
        self.added = nn.ModuleDict({name: objective for name, (objective, _) in added.items()})
        self.lengths = [length for _, length in added.values()]
        self.monitor = Monitor(target)

    @property
    def capturable(self) -> bool:
        """Whether a CUDA graph can hold all of it."""
        return all(part.capturable for part in self._parts())

    @property
    def pooled_taps(self) -> list[int]:
        """The numbers of the taps whose pooled features any of the objectives asks for."""
        return sorted({number for part in self._parts() for number in part.numbers})

    def _parts(self) -> tuple[Objective, ...]:
        return (self.first, *(cast(Objective, part) for part in self.added.values()))

    @torch.no_grad()
    def forward(
        self,
        taps: Sequence[Tensor],
        count: int | None = None,
        world: World = ALONE,
        classes: Tensor | None = None,
    ) -> list[TapGradient | None]:
        """Take a step of every objective's state and return the gradient by each tap.

        `taps`: B x C x H x W each, this process's shard of a batch of `count` samples (by default
        all of it). `classes`: those that were asked for, B x K. Every process of the world gets the
        gradient of the whole batch's objective.
        """
        shard = self.shard(taps)
        return self.by_tap(shard, count or shard.size, world, classes)

    def shard(self, taps: Sequence[Tensor]) -> Shard:
        """What objectives have to know of a shard's taps, B x C x H x W each."""
        moments = batch_moments(taps, self.target.mean, self.target.layout)
        return Shard(len(taps[0]), moments, lambda number: pool(taps[number]))

    @torch.no_grad()
    def by_tap(
        self, shard: Shard, count: int, world: World, classes: Tensor | None
    ) -> list[TapGradient | None]:
        """As `forward`, from what is known of the taps."""
        moments = shard.moments
        if world.size > 1:
            for moment in moments:
                moment.mul_(shard.size / count)
            world.sum_(*moments)
        self.monitor.update(moments, count)
        batch = Batch(shard, moments, count, world, classes)
        first, *added = self._parts()
        by_tap, square = first.gradient(batch)
        for objective, length in zip(added, self.lengths, strict=True):
            more, its_square = objective.gradient(batch)
            weight = length * (square / its_square.clamp_min(TINY)).sqrt()
            by_tap = [add(a, b, weight) for a, b in zip(by_tap, more, strict=True)]
        return by_tap


def add(a: TapGradient | None, b: TapGradient | None, weight: Tensor) -> TapGradient | None:
    """a + weight b."""
    if b is None:
        return a
    return b.scaled(weight) if a is None else SumGradient(a, b.scaled(weight))
