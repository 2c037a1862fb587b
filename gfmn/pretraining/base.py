"""What every pretraining shares: steps, a rate, an exact resume, and what comes out of it."""

import math
import sys
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from signal import Signals
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.optim import Optimizer

from gfmn.common.config import Config
from gfmn.common.devices import default_device, has_bf16_units
from gfmn.common.errors import InputError, Stopped
from gfmn.common.progress import Progress
from gfmn.datasets.prepared import PreparedDataset
from gfmn.generators import Decoder
from gfmn.networks.extractor_file import NetworkRecord
from gfmn.runtime import optimizer_state
from gfmn.runtime.checkpoints import Checkpoints, code_digest, fingerprint
from gfmn.runtime.signals import caught

ROWS = 200  # of the history, about


class PretrainingConfig(Config):
    """What an autoencoder and a classifier have in common."""

    dataset: str
    batch: int = Field(ge=2)  # images
    lr: float = Field(gt=0)
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    seed: int = Field(0, ge=0)

    def chosen_precision(self, device: torch.device) -> str:
        """`auto`: bf16 where the hardware multiplies it; all convolutions here are dense."""
        if self.precision != "auto":
            return self.precision
        return "bf16" if has_bf16_units(device) else "fp32"


@dataclass(frozen=True)
class Result:
    """What a pretraining leaves."""

    record: NetworkRecord
    metrics: dict[str, Any]  # what can be said of the network, as JSON has it
    decoder: Decoder | None = None


class Pretraining(ABC):
    """Modules and an optimiser; `step` takes them one update further.

    `steps`: how many in all. A subclass sets everything in its constructor, from its parameters
    and the data alone, and draws whatever a step needs from the seed and the step's number, so
    that `state` is all that there is to keep.
    """

    config: PretrainingConfig
    precision: str
    steps: int
    modules: dict[str, nn.Module]
    optimiser: Optimizer
    columns: tuple[str, ...]  # of the history, beside step and lr

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
        """What came of it, after the last step."""

    def measure(self, done: int) -> dict[str, float]:
        """Values of further columns of the history, where this step has any."""
        return {}

    def step(self, step: int) -> Tensor:
        """One update; returns its loss, for which no host has waited."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate(step)
        loss = self.loss(step)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        return loss.detach()

    @property
    def weights(self) -> list[Tensor]:
        """Every weight, in the optimiser's order."""
        return [weight for group in self.optimiser.param_groups for weight in group["params"]]

    def provenance(self, metrics: dict[str, Any]) -> dict[str, Any]:
        """What the network's file says of how it came to be."""
        return {
            "trained_on": self.config.dataset,
            "dataset_digest": self.data.metadata["digest"],
            "metrics": metrics,
            "precision": self.precision,
            "parameters": self.config.model_dump(mode="json"),
        }

    def state(self) -> optimizer_state.State:
        """All that a step changes."""
        parts = {name: module.state_dict() for name, module in self.modules.items()}
        return optimizer_state.joined(
            {**parts, "optimiser": optimizer_state.of_optimiser(self.optimiser)}
        )

    def load_state(self, state: optimizer_state.State) -> None:
        """Take over what `state` returned."""
        for name, module in self.modules.items():
            module.load_state_dict(optimizer_state.part(state, name))
        moments = optimizer_state.part(state, "optimiser")
        optimizer_state.load_optimiser(self.optimiser, self.weights, moments)


def pretraining_fingerprint(config: PretrainingConfig, data: PreparedDataset) -> str:
    """What must be equal for a checkpoint to be this pretraining's: parameters, images, code."""
    facts = {
        "parameters": config.model_dump(mode="json"),
        "dataset": data.metadata["digest"],
        "code": code_digest(),
        "torch": torch.__version__,
    }
    return fingerprint(facts)


class History:
    """Rows of step, rate, loss (its mean since the row before) and further columns."""

    def __init__(self, columns: tuple[str, ...], device: torch.device) -> None:
        self.columns = columns
        self.rows: list[str] = []
        self.total = torch.zeros((), dtype=torch.float64, device=device)  # of losses since a row
        self.count = 0

    def add(self, loss: Tensor) -> None:
        """One step's loss; the host does not wait for it."""
        self.total += loss
        self.count += 1

    def close_row(self, done: int, rate: float, measured: dict[str, float]) -> float:
        """Write a row; returns its loss."""
        mean = float(self.total) / self.count
        values = [f"{measured[c]:.6g}" if c in measured else "" for c in self.columns]
        self.rows.append("\t".join([str(done), f"{rate:.6g}", f"{mean:.6g}", *values]) + "\n")
        self.total.zero_()
        self.count = 0
        return mean

    def state(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        return {"rows": self.rows, "total": float(self.total), "count": self.count}

    def load_state(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        self.rows, self.count = state["rows"], state["count"]
        self.total.fill_(state["total"])

    def text(self) -> str:
        """As a TSV file."""
        return "\t".join(["step", "lr", "loss", *self.columns]) + "\n" + "".join(self.rows)


def pretrain(task: Pretraining, checkpoints: Checkpoints, every: float = 120.0) -> History:
    """Take a pretraining to its last step, from where it was stopped; returns its history.

    A checkpoint is kept every so many seconds and after SIGINT or SIGTERM, which end in
    `Stopped`. Raises `InputError` when the loss is no longer finite.
    """
    history, start = History(task.columns, task.device), 0
    found = checkpoints.latest(task.steps - 1)
    if found:
        task.load_state(found.tensors)
        history.load_state(found.about)
        start = found.step
        line = f"pretrain {task.name}: goes on from step {start} of {task.steps}, by {found.path}"
        print(line, file=sys.stderr, flush=True)
    log_every, saved = max(1, task.steps // ROWS), time.monotonic()

    def check(loss: float, done: int) -> None:
        if not math.isfinite(loss):
            found = f"found {loss} by step {done}; a lower lr may help"
            raise InputError(f"{task.name}: expected a finite loss, {found}")

    def save(done: int) -> None:
        check(float(history.total), done)
        checkpoints.save(done, task.state(), history.state())

    with caught() as signals, Progress(f"pretrain {task.name}", task.steps, "steps") as progress:
        progress.skip(start)
        for step in range(start, task.steps):
            history.add(task.step(step))
            done = step + 1
            measured = task.measure(done)
            if measured or done % log_every == 0 or done == task.steps:
                loss = history.close_row(done, task.rate(step), measured)
                check(loss, done)
                progress.advance(0, loss=loss, **measured)
            progress.advance(1)
            if signals and done < task.steps:
                save(done)
                raise Stopped(
                    f"pretrain {task.name}: stopped by {Signals(signals[0]).name} after step "
                    f"{done} of {task.steps}; the same command goes on from {checkpoints.folder}",
                    signals[0],
                )
            if time.monotonic() - saved > every:
                save(done)
                saved = time.monotonic()
    return history
