"""Base class of pretrainings: one update, the state to resume from, and the result.

A new task is a file with a `Pretraining` and its `PretrainingConfig`, registered under its name,
and the import of that file in `gfmn/pretraining/__init__.py`.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.optim import Optimizer

from gfmn.common.bounds import BATCH, RATE, SEEDS
from gfmn.common.config import Config
from gfmn.common.devices import default_device, has_bf16_units
from gfmn.common.registry import Registry
from gfmn.datasets.prepared import PreparedDataset
from gfmn.generators import Decoder
from gfmn.networks.extractor_file import NetworkRecord
from gfmn.runtime import optimizer_state


class PretrainingConfig(Config, ABC):
    """Parameters that all tasks share."""

    task: str  # a name in `TASKS`
    dataset: str
    architecture: str
    batch: int = Field(ge=2, le=BATCH)  # images
    lr: float = Field(gt=0, le=RATE)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    seed: int = Field(0, ge=0, le=SEEDS)

    @abstractmethod
    def build(self, name: str, data: PreparedDataset) -> "Pretraining":
        """The pretraining of a network of that name, before its first step."""

    def chosen_precision(self, device: torch.device) -> str:
        """`auto`: bf16 where the hardware multiplies it; all convolutions here are dense."""
        if self.precision != "auto":
            return self.precision
        return "bf16" if has_bf16_units(device) else "fp32"


TASKS = Registry[type[PretrainingConfig]]()  # by the name that the parameter `task` gives


@dataclass(frozen=True)
class Result:
    """A pretrained network, with a decoder where there is one."""

    record: NetworkRecord
    metrics: dict[str, Any]  # JSON values
    decoder: Decoder | None = None


class Pretraining(ABC):
    """Modules and an optimizer; `step` is one update.

    A subclass sets every attribute in its constructor, from its parameters and the data alone, and
    draws whatever a step needs from the seed and the step's number: `state` is then all that a
    resumed pretraining needs to end in the same bytes.
    """

    config: PretrainingConfig
    precision: str
    steps: int  # updates in all
    modules: dict[str, nn.Module]
    optimizer: Optimizer
    columns: tuple[str, ...]  # of the history, after step, lr and loss

    def __init__(self, name: str, data: PreparedDataset) -> None:
        self.name, self.data, self.device = name, data, default_device()

    @abstractmethod
    def rate(self, step: int) -> float:
        """The learning rate at a step, from 0."""

    @abstractmethod
    def loss(self, step: int) -> Tensor:
        """The loss of a step's minibatch, with its graph."""

    @abstractmethod
    def result(self) -> Result:
        """The trained network, after the last step."""

    def measure(self, done: int) -> dict[str, float]:
        """Values of the history's further columns after `done` steps; empty for most."""
        return {}

    def step(self, step: int) -> Tensor:
        """One update; returns its loss, for which no host has waited."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate(step)
        loss = self.loss(step)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.detach()

    @property
    def weights(self) -> list[Tensor]:
        """Every weight, in the optimizer's order."""
        return [weight for group in self.optimizer.param_groups for weight in group["params"]]

    def provenance(self, metrics: dict[str, Any]) -> dict[str, Any]:
        """How the network was trained, for its file."""
        return {
            "trained_on": self.config.dataset,
            "dataset_digest": self.data.metadata["digest"],
            "metrics": metrics,
            "precision": self.precision,
            "parameters": self.config.model_dump(mode="json"),
        }

    def state(self) -> optimizer_state.State:
        """All that a step changes, as tensors."""
        parts = {name: module.state_dict() for name, module in self.modules.items()}
        return optimizer_state.joined(
            {**parts, "optimizer": optimizer_state.of_optimizer(self.optimizer)}
        )

    def load_state(self, state: optimizer_state.State) -> None:
        """Restore what `state` returned."""
        for name, module in self.modules.items():
            module.load_state_dict(optimizer_state.part(state, name))
        moments = optimizer_state.part(state, "optimizer")
        optimizer_state.load_optimizer(self.optimizer, self.weights, moments)
