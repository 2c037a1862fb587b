"""The loop of a pretraining: its history, and its resuming from a checkpoint."""

import math
import sys
import time
from signal import Signals
from typing import Any

import torch
from torch import Tensor

from gfmn.common.errors import InputError, Stopped
from gfmn.common.progress import Progress
from gfmn.datasets.prepared import PreparedDataset
from gfmn.pretraining.base import Pretraining, PretrainingConfig
from gfmn.runtime.checkpoints import Checkpoints, code_digest, fingerprint
from gfmn.runtime.signals import caught

ROWS = 200  # of the history, about


def pretraining_fingerprint(config: PretrainingConfig, data: PreparedDataset) -> str:
    """Identifies a pretraining in its checkpoints: by its parameters, images and code."""
    return fingerprint(
        {
            "parameters": config.model_dump(mode="json"),
            "dataset": data.metadata["digest"],
            "code": code_digest(),
            "torch": torch.__version__,
        }
    )


class History:
    """Rows of step, learning rate, loss (mean since the previous row) and further columns."""

    def __init__(self, columns: tuple[str, ...], device: torch.device) -> None:
        self.columns = columns
        self.rows: list[str] = []
        self.total = torch.zeros((), dtype=torch.float64, device=device)  # losses since a row
        self.count = 0

    def add(self, loss: Tensor) -> None:
        """Add one step's loss; the host does not wait for it."""
        self.total += loss
        self.count += 1

    def close_row(self, done: int, rate: float, measured: dict[str, float]) -> float:
        """Add a row; returns its loss."""
        mean = float(self.total) / self.count
        values = [f"{measured[c]:.6g}" if c in measured else "" for c in self.columns]
        self.rows.append("\t".join([str(done), f"{rate:.6g}", f"{mean:.6g}", *values]) + "\n")
        self.total.zero_()
        self.count = 0
        return mean

    def state(self) -> dict[str, Any]:
        """All of it, as JSON values."""
        return {"rows": self.rows, "total": float(self.total), "count": self.count}

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.rows, self.count = state["rows"], state["count"]
        self.total.fill_(state["total"])

    def text(self) -> str:
        """The content of a TSV file."""
        return "\t".join(["step", "lr", "loss", *self.columns]) + "\n" + "".join(self.rows)


def pretrain(task: Pretraining, checkpoints: Checkpoints, every: float = 120.0) -> History:
    """Train to the last step, resuming from the last checkpoint; returns the history.

    A checkpoint is written every `every` seconds and after SIGINT, SIGTERM or SIGHUP,
    which raise `Stopped`. Raises `InputError` for a loss that is not finite.
    """
    history, start = History(task.columns, task.device), 0
    checkpoint = checkpoints.latest(task.steps - 1)
    if checkpoint:
        task.load_state(checkpoint.tensors)
        history.load_state(checkpoint.metadata)
        start = checkpoint.step
        line = f"resuming from step {start} of {task.steps}, {checkpoint.path}"
        print(f"pretrain {task.name}: {line}", file=sys.stderr, flush=True)
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
                    f"{done} of {task.steps}; the same command resumes from {checkpoints.folder}",
                    signals[0],
                )
            if time.monotonic() - saved > every:
                save(done)
                saved = time.monotonic()
    return history
