"""The group `bank`: pooled features of real images themselves."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from gfmn.features.groups.base import Drawn, DrawnConfig, Group, PooledPart, Vectors
from gfmn.runtime.distributed import World


@dataclass(frozen=True)
class PooledBank(PooledPart):
    """Real vectors in random order."""

    vectors: Tensor  # N x D


class Bank(Group):
    """The vectors of drawn images."""

    Config = DrawnConfig
    Part = PooledBank

    def __init__(self, config: DrawnConfig, images: int) -> None:
        self.config, self.drawn = config, Drawn(config, images)

    def update(self, vectors: Vectors, images: np.ndarray) -> None:
        """See the base class."""
        self.drawn.update(vectors, images)

    def result(self, world: World) -> dict[str, Tensor]:
        """See the base class."""
        return {f"{tap}/vectors": bank for tap, bank in self.drawn.result(world).items()}

    def describe(self) -> dict[str, Any]:
        """See the base class."""
        return {"count": self.drawn.count, "seed": self.config.seed}
