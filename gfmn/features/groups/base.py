"""Statistics of pooled real features, in groups that a statistics file has on request.

`covariance`: per pooled tap the mean, the principal directions and the variances along them.
`bank`: per pooled tap real feature vectors themselves. Objectives say which group they need.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from gfmn.common.config import Config
from gfmn.features.pooled import pool
from gfmn.runtime.distributed import World

Vectors = Mapping[str, Tensor]  # by tap: B x D pooled features


class CovarianceConfig(Config):
    """Which directions of the pooled features are kept."""

    directions: int = Field(128, ge=1)  # of the largest variance, of each tap; at most its own D


class BankConfig(Config):
    """Which real images' pooled features are kept."""

    count: int = Field(10000, ge=2)  # images, drawn by `seed`; at most all of them
    seed: int = Field(0, ge=0)


class Group(ABC):
    """One group of statistics, collected over the batches of one pass."""

    @abstractmethod
    def update(self, vectors: Vectors, images: np.ndarray) -> None:
        """Take in a batch's pooled features; `images`: their numbers in the data set."""

    @abstractmethod
    def result(self, world: World) -> dict[str, Tensor]:
        """Tensors by `<tap>/<name>`, float32, the same on every rank; after the last batch."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """What the group was fitted with, for the file's metadata."""


class Covariance(Group):
    """Mean D, directions D x k (columns of length 1) and variances k, the largest first."""

    def __init__(self, config: CovarianceConfig) -> None:
        self.config, self.count = config, 0
        self.sums: dict[str, tuple[Tensor, Tensor]] = {}  # of p, and of p p^T, float64

    def update(self, vectors: Vectors, images: np.ndarray) -> None:
        """See the base class."""
        self.count += len(images)
        for tap, batch in vectors.items():
            wide = batch.double()
            pair = (wide.sum(0), wide.T @ wide)
            before = self.sums.get(tap)
            added = pair if before is None else (before[0] + pair[0], before[1] + pair[1])
            self.sums[tap] = added

    def result(self, world: World) -> dict[str, Tensor]:
        """See the base class."""
        count = torch.tensor(float(self.count), dtype=torch.float64, device=world.device)
        world.sum_(count, *(tensor for pair in self.sums.values() for tensor in pair))
        self.count, found = int(count), {}
        for tap, (total, products) in self.sums.items():
            mean = total / count
            covariance = (products - torch.outer(total, mean)) / (count - 1)
            variances, directions = torch.linalg.eigh(covariance.cpu())
            kept = min(self.config.directions, len(variances))
            found[f"{tap}/mean"] = mean.cpu().float()
            found[f"{tap}/directions"] = directions.flip(1)[:, :kept].float().contiguous()
            found[f"{tap}/variances"] = variances.flip(0)[:kept].clamp_min(0).float()
        return found

    def describe(self) -> dict[str, Any]:
        """See the base class."""
        return {**self.config.model_dump(mode="json"), "count": self.count}


class Bank(Group):
    """N x D pooled features of images drawn at random, in random order."""

    def __init__(self, config: BankConfig, images: int) -> None:
        self.config = config
        drawn = np.random.default_rng(config.seed).permutation(images)[: config.count]
        self.rows = np.full(images, -1)  # each image's row in the bank, or -1
        self.rows[drawn] = np.arange(len(drawn))
        self.count = len(drawn)
        self.vectors: dict[str, Tensor] = {}

    def update(self, vectors: Vectors, images: np.ndarray) -> None:
        """See the base class."""
        of_batch = self.rows[images]
        drawn = torch.from_numpy(of_batch[of_batch >= 0])
        for tap, batch in vectors.items():
            bank = self.vectors.setdefault(tap, batch.new_zeros(self.count, batch.shape[1]))
            bank[drawn.to(batch.device)] = batch[torch.from_numpy(of_batch >= 0).to(batch.device)]

    def result(self, world: World) -> dict[str, Tensor]:
        """See the base class."""
        world.sum_(*self.vectors.values())  # each row is 0 on all ranks but one
        return {f"{tap}/vectors": bank.cpu() for tap, bank in self.vectors.items()}

    def describe(self) -> dict[str, Any]:
        """See the base class."""
        return {"count": self.count, "seed": self.config.seed}


def pooling(
    taps: Iterable[Tensor], names: Iterable[str], pooled: dict[str, Tensor]
) -> Iterator[Tensor]:
    """The taps as they come; those of a name in `pooled` are pooled into it on the way."""
    for tap, name in zip(taps, names, strict=True):
        if name in pooled:
            pooled[name] = pool(tap).vector
        yield tap
