"""What a state takes of one shard."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from gfmn.features.groups.base import Group, Vectors
from gfmn.runtime.distributed import World
from gfmn.shards.state import Draw, State

AT_ONCE = 1024  # pooled vectors that are multiplied with each other


class Collector(Group):
    """Pooled features of one shard, collected as a group of statistics is, for a state.

    `images`: how many there are, copies too; `digest`: of the shard, which with a group's seed
    decides which of them are drawn. `classes`: N x K, each image's own as 1, where they are
    among what is measured.
    """

    def __init__(
        self, state: State, digest: str, images: int, classes: Tensor | None = None
    ) -> None:
        self.state, self.classes = state, classes
        self.covariance = any(name.startswith("products/") for name in state.sums)
        self.totals: dict[str, tuple[Tensor, Tensor]] = {}  # of p, and of p p^T
        self.waiting: dict[str, list[Tensor]] = {}
        self.drawn = {seed: _Rows(seed, draw, digest, images) for seed, draw in state.draws.items()}

    def update(self, vectors: Vectors, images: np.ndarray) -> None:
        """See the base class."""
        if not len(images):
            return
        found = {tap: batch.cpu() for tap, batch in vectors.items()}
        if self.classes is not None:
            own = self.classes[torch.from_numpy(images % len(self.classes))]
            found = {tap: torch.cat((batch, own), 1) for tap, batch in found.items()}
        for rows in self.drawn.values():
            rows.update(found, images)
        for tap, batch in found.items() if self.covariance else ():
            waiting = self.waiting.setdefault(tap, [])
            waiting.append(batch)
            if sum(map(len, waiting)) >= AT_ONCE:
                self._multiply(tap)

    def _multiply(self, tap: str) -> None:
        wide = torch.cat(self.waiting.pop(tap, [])).double()
        width = wide.shape[1]
        zeros = wide.new_zeros(width), wide.new_zeros(width, width)
        total, products = self.totals.setdefault(tap, zeros)
        total.add_(wide.sum(0))
        products.addmm_(wide.T, wide)

    def finish(self) -> None:
        """Add all of the shard to the state."""
        for tap in list(self.waiting):
            self._multiply(tap)
        for tap, (total, products) in self.totals.items():
            self.state.sums[f"total/{tap}"].add(total)
            self.state.sums[f"products/{tap}"].add(products)
        for seed, rows in self.drawn.items():
            self.state.draws[seed].merge(rows.numbers, rows.vectors)

    def result(self, world: World) -> dict[str, Tensor]:
        """Nothing: the state has it."""
        return {}

    def describe(self) -> dict[str, Any]:
        """Nothing: the state's groups do."""
        return {}


class _Rows:
    """A shard's drawn vectors: a random order of its images, and ascending random numbers."""

    def __init__(self, seed: int, draw: Draw, digest: str, images: int) -> None:
        rng = np.random.default_rng((seed, int(digest, 16)))
        order = rng.permutation(images)[: draw.most]
        self.numbers = torch.from_numpy(np.sort(rng.random(images))[: draw.most])
        self.places = np.full(images, -1)  # each image's row, or -1
        self.places[order] = np.arange(len(order))
        self.vectors = {
            tap: torch.zeros(len(order), kept.shape[1]) for tap, kept in draw.vectors.items()
        }

    def update(self, vectors: Vectors, images: np.ndarray) -> None:
        places = self.places[images]
        chosen = torch.from_numpy(places >= 0)
        for tap, kept in self.vectors.items():
            kept[torch.from_numpy(places[places >= 0])] = vectors[tap][chosen].float()
