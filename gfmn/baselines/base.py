"""Base class of the methods: what the loop asks of a pair of losses.

A new method is a file in `methods/` with its `Method` and its `BaselineConfig`, registered under
its name, and the import of that file in `gfmn/baselines/methods/__init__.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn


@dataclass(frozen=True)
class Setting:
    """What a method is built for."""

    image_size: int  # pixels
    classes: int = 0  # of the labels; 0: the method is given none
    extractor: Path | None = None  # a file of one network
    decoder: Path | None = None  # a file of a decoder


class Batch(NamedTuple):
    """Images B x 3 x S x S in [-1, 1], and their labels B int64 where the method is given any."""

    images: Tensor
    labels: Tensor | None = None


class Method(nn.Module, ABC):
    """Two losses and the critic that they share; its state is all that a checkpoint needs of it.

    `critic`: the second player's networks, None where there is no second player. Further tensors
    that an update changes are buffers.
    """

    critic: nn.Module | None
    second_order: bool = False  # a loss has derivatives in it: the critic stays in float32
    uses_real: bool = False  # the generator's loss reads real images too

    def __init__(self) -> None:
        super().__init__()
        self.critic = None

    def prepare(self, generator: nn.Module) -> None:
        """Called once with the new generator, before its optimizer is made."""

    def critic_updates(self, step: int, usual: int) -> int:
        """How many updates of the critic come before the generator's update `step`, from 0."""
        return usual if self.critic is not None else 0

    def critic_loss(self, real: Batch, fake: Batch) -> Tensor:
        """What the critic minimizes; no gradient reaches the generator through `fake`."""
        raise NotImplementedError

    def after_critic_step(self) -> None:
        """Called after each update of the critic: to project its weights, or a multiplier's."""

    def after_critic_updates(self, draw: Callable[[], Batch]) -> None:
        """Called after the critic's updates of a step, if any; `draw`: the next real images."""

    def generate(self, generator: nn.Module, z: Tensor) -> Tensor:
        """What the losses take of the generator: its images, unless a method says otherwise."""
        images: Tensor = generator(z)
        return images

    def images(self, generator: nn.Module, generated: Tensor) -> Tensor:
        """The images B x 3 x S x S of what `generate` returned."""
        return generated

    @abstractmethod
    def generator_loss(self, fake: Batch, real: Batch | None) -> Tensor:
        """What the generator minimizes. `real`: where the method `uses_real`."""
