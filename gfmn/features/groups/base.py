"""What a group of statistics is: something about pooled real features, filled in one pass."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from gfmn.common import config, tensorfile
from gfmn.common.bounds import FACTOR, SAMPLES, SEEDS
from gfmn.common.errors import InputError
from gfmn.features.pooled import pool
from gfmn.runtime.distributed import World

Vectors = Mapping[str, Tensor]  # by tap: B x D pooled features, then the classes' columns


@dataclass(frozen=True)
class Classes:
    """A data set's classes as K more columns of every vector, 1 in an image's own and else 0.

    What is matched is then how features and classes go together. `weight`: how far two classes are
    apart, in about the distance of two images' features.
    """

    count: int
    weight: float

    @classmethod
    def of(cls, facts: Mapping[str, Any] | None) -> "Classes":
        """Those that a file's facts describe; None: no classes."""
        return cls(len(facts["frequencies"]), facts["weight"]) if facts else NO_CLASSES


NO_CLASSES = Classes(0, 0.0)
POSITIVE = 1e-20  # the least of what is divided by


@dataclass(frozen=True)
class PooledPart:
    """One pooled tap's part in a group: float32 tensors, which a subclass names."""

    tap: int  # its number among the selected taps

    AXES: ClassVar[Mapping[str, str]]  # of each tensor: equal letters are equal lengths
    LEAST: ClassVar[Mapping[str, float]] = {}  # of the values of some

    @classmethod
    def tensors(cls) -> tuple[str, ...]:
        """The names of its tensors, in a file and here."""
        return tuple(field.name for field in fields(cls) if field.name != "tap")

    @classmethod
    def check(cls, tensors: Mapping[str, Tensor], where: str) -> None:
        """Raise `InputError` for tensors by `<tap>/<name>` of which one is missing or does not fit.

        `where`: the file and the group, which begin the error. The numbers are finite floats.
        """
        for tap in sorted({key.rpartition("/")[0] for key in tensors}):
            lengths: dict[str, int] = {}
            for name in cls.tensors():
                key, axes = f"{tap}/{name}", cls.AXES[name]
                found = tuple(tensors[key].shape) if key in tensors else None
                if found is None or len(found) != len(axes) or 0 in found:
                    expected = f"a tensor of {len(axes)} axes"
                    raise InputError(f"{where}/{key}: expected {expected}, found {found}")
                for axis, length in zip(axes, found, strict=True):
                    if lengths.setdefault(axis, length) != length:
                        expected = f"the length {lengths[axis]} of axis {axis} in {axes}"
                        raise InputError(f"{where}/{key}: expected {expected}, found {found}")
                if name in cls.LEAST:
                    file, _, group = where.rpartition(": ")
                    named = {f"{group}/{key}": tensors[key]}
                    tensorfile.check_numbers(named, file, cls.LEAST[name])


class Group(ABC):
    """One group of statistics, collected over the batches of one pass.

    `Config` has its parameters; `Part` is what it makes of a tap.
    """

    Config: ClassVar[type[config.Config]]
    Part: ClassVar[type[PooledPart]]

    @abstractmethod
    def __init__(self, config: Any, images: int, classes: Classes = NO_CLASSES) -> None:
        """`config`: an instance of `Config`; `images`: how many the data set has."""

    @abstractmethod
    def update(self, vectors: Vectors, images: np.ndarray) -> None:
        """Take in a batch's pooled features; `images`: their numbers in the data set."""

    @abstractmethod
    def result(self, world: World) -> dict[str, Tensor]:
        """Tensors by `<tap>/<name>`, float32, the same on every rank; after the last batch."""

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """What the group was fitted with, for the file's metadata."""


class DrawnConfig(config.Config):
    """Which real images' pooled features are kept."""

    count: int = Field(10000, ge=2, le=SAMPLES)  # images, drawn by `seed`; at most all of them
    seed: int = Field(0, ge=0, le=SEEDS)


class Drawn:
    """N x D pooled features of images drawn at random, in random order."""

    def __init__(self, config: DrawnConfig, images: int) -> None:
        drawn = np.random.default_rng(config.seed).permutation(images)[: config.count]
        self.rows = np.full(images, -1)  # each image's row among the drawn ones, or -1
        self.rows[drawn] = np.arange(len(drawn))
        self.count = len(drawn)
        self.vectors: dict[str, Tensor] = {}

    def update(self, vectors: Vectors, images: np.ndarray) -> None:
        """See `Group`."""
        of_batch = self.rows[images]
        drawn = torch.from_numpy(of_batch[of_batch >= 0])
        for tap, batch in vectors.items():
            if tap not in self.vectors:
                self.vectors[tap] = batch.new_zeros(self.count, batch.shape[1])
            kept = self.vectors[tap]
            kept[drawn.to(batch.device)] = batch[torch.from_numpy(of_batch >= 0).to(batch.device)]

    def result(self, world: World) -> dict[str, Tensor]:
        """By tap, on the CPU, the same on every rank."""
        world.sum_(*self.vectors.values())  # each row is 0 on all ranks but one
        return {tap: kept.cpu() for tap, kept in self.vectors.items()}


class FittedConfig(DrawnConfig):
    """What a group is fitted to: drawn vectors, each column over its scale."""

    floor: float = Field(0.1, gt=0, le=FACTOR)  # added to each deviation, in their mean


class Fitted(Group):
    """A group that is fitted to pooled features of drawn images once they are all there."""

    Config = FittedConfig

    def __init__(self, config: FittedConfig, images: int, classes: Classes = NO_CLASSES) -> None:
        self.config, self.drawn, self.classes = config, Drawn(config, images), classes

    @abstractmethod
    def fit(self, standardized: Tensor) -> dict[str, Tensor]:
        """A tap's tensors but `scale`, from N x D values over it; the same on every machine."""

    def update(self, vectors: Vectors, images: np.ndarray) -> None:
        """See the base class."""
        self.drawn.update(vectors, images)

    def result(self, world: World) -> dict[str, Tensor]:
        """See the base class."""
        found: dict[str, Tensor] = {}
        for tap, vectors in self.drawn.result(world).items():
            scale = scales(vectors, self.config.floor, self.classes)
            tensors = {"scale": scale, **self.fit(vectors / scale)}
            found |= {f"{tap}/{name}": value.contiguous() for name, value in tensors.items()}
        return found

    def describe(self) -> dict[str, Any]:
        """See the base class."""
        return {**self.config.model_dump(mode="json"), "count": self.drawn.count}


def scales(vectors: Tensor, floor: float, classes: Classes = NO_CLASSES) -> Tensor:
    """What each of N x D columns is divided by.

    A feature by its deviation plus `floor` of their mean, so that those that hardly vary do not
    decide everything; a class's column so that it weighs what `classes` says.
    """
    features = vectors.shape[1] - classes.count
    deviation = vectors[:, :features].std(0)
    scale = deviation + floor * deviation.mean() + 1e-12
    if not classes.count:
        return scale
    return torch.cat(
        (scale, scale.new_full((classes.count,), 1 / (classes.weight * features**0.5)))
    )


def square_distances(a: Tensor, b: Tensor) -> Tensor:
    """|a_i - b_j|^2, N x M, by products."""
    products = a @ b.T
    return (a.square().sum(1)[:, None] + b.square().sum(1) - 2 * products).clamp_min(0)


def pooling(
    taps: Iterable[Tensor], names: Iterable[str], pooled: dict[str, Tensor]
) -> Iterator[Tensor]:
    """The taps as they come; those of a name in `pooled` are pooled into it on the way."""
    for tap, name in zip(taps, names, strict=True):
        if name in pooled:
            pooled[name] = pool(tap).vector
        yield tap
