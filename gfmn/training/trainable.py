"""What a run needs of whatever it trains: a generator matched to statistics, or to a critic."""

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from gfmn.training.schedule import Schedule


class Trainable(Protocol):
    """A generator under training; one `step` is one update of it."""

    @property
    def section(self) -> str:
        """The section of the parameter file that has its row."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Of the history, after step, images and lr; the first is the loss."""

    @property
    def cure(self) -> str:
        """What may help where all samples are alike."""

    @property
    def config(self) -> Schedule:
        """Its parameters."""

    @property
    def seed(self) -> int:
        """Of all its random numbers."""

    @property
    def device(self) -> torch.device:
        """Where it is trained."""

    @property
    def result(self) -> nn.Module:
        """The generator that a run is for: the average where there is one."""

    @property
    def precisions(self) -> dict[str, str]:
        """Of each network, and of the generator."""

    def step(self, step: int) -> None:
        """Update number `step`, from 0."""

    def measure(self) -> dict[str, float]:
        """The values of `columns` after the last step; the host waits for them."""

    def finite(self) -> bool:
        """Whether the loss and every weight are finite; the host waits for the answer."""

    def state(self) -> dict[str, Tensor]:
        """Everything that a step changes, by name."""

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state` returned."""

    def describe(self) -> dict[str, Any]:
        """What the generator is and how it came to be, as JSON values; the run's name apart."""
