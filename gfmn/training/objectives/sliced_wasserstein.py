"""The sliced Wasserstein distance of pooled features, with the real side as cached quantiles."""

import torch
from pydantic import Field
from torch import Tensor, nn

from gfmn.common.bounds import BATCH
from gfmn.common.config import Config
from gfmn.features.groups.quantiles import PooledQuantiles
from gfmn.training.objectives.base import OBJECTIVES, Batch
from gfmn.training.objectives.pooled import PooledObjective, Queue, gathered, own


class SlicedWassersteinConfig(Config):
    """Parameters of the sliced Wasserstein distance."""

    # Generated vectors of earlier steps among which x has its rank.
    queue: int = Field(192, ge=0, le=BATCH)


@OBJECTIVES.register("sliced_wasserstein")
class SlicedWasserstein(PooledObjective):
    """The mean over directions and samples of `(y - q)^2`, y a sample's place along a direction.

    q is the real quantile at the level of y among the batch's and earlier samples: the squared
    2-Wasserstein distance along each direction. Source: Heitz et al. 2021, "A Sliced Wasserstein
    Loss for Neural Texture Synthesis", arXiv:2006.07229.
    """

    Config = SlicedWassersteinConfig
    needs = ("quantiles",)

    def state(self, real: PooledQuantiles, config: SlicedWassersteinConfig, seed: int) -> "Slices":
        """See the base class."""
        return Slices(real, config)

    def by_vector(self, state: "Slices", vectors: Tensor, batch: Batch) -> Tensor:
        """See the base class."""
        directions = state.real.directions / state.real.scale[:, None]
        y = gathered(vectors @ directions, batch)
        excess = y - state.transported(y)
        return excess[own(batch)] @ directions.T * (2 / y.numel())


class Slices(nn.Module):
    """One pooled tap's real quantiles, and the queue of generated places along its directions."""

    def __init__(self, real: PooledQuantiles, config: SlicedWassersteinConfig) -> None:
        super().__init__()
        self.real = real
        self.queue = Queue(config.queue, real.values.shape[1], real.values.device)

    def transported(self, y: Tensor) -> Tensor:
        """The real quantile at each place's level, B x P; the places then go into the queue."""
        everyone, present = self.queue.push(y)
        # Those that are not there come last, and so have no part in the others' ranks.
        order = torch.where(present[:, None], everyone, torch.inf).argsort(0)
        ranks = torch.empty_like(order)
        numbers = torch.arange(len(order), device=y.device)[:, None].expand_as(order)
        ranks.scatter_(0, order, numbers)
        last = len(self.real.values) - 1
        place = (ranks[: len(y)] + 0.5) / present.sum() * (last + 1) - 0.5
        place = place.clamp(0, last)
        below = place.floor().long()
        above = (below + 1).clamp_max(last)
        values = self.real.values
        return torch.lerp(values.gather(0, below), values.gather(0, above), place - below)
