"""One run: from its start, or from where it was stopped, to its end, and its files.

Exact: noise depends on seed, step and sample index alone, and a checkpoint holds everything else
that a step changes, so a run that was killed ends in the same bytes as one that was not.
"""

import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from gfmn.common.errors import InputError, Stopped
from gfmn.common.progress import Progress
from gfmn.runtime.checkpoints import Checkpoint
from gfmn.runtime.distributed import ALONE, World
from gfmn.runtime.signals import caught
from gfmn.training.collapse import advice, collapsed
from gfmn.training.outputs import (
    Files,
    save_grid,
    save_snapshot,
    snapshot_steps,
    write_history,
    write_model,
)
from gfmn.training.schedule import learning_rate
from gfmn.training.trainable import Trainable

AGREE = 2.0  # seconds of training after which processes look at each other's signals


class DivergenceError(InputError):
    """The loss or a weight is no longer finite, as seen at `step`, a row of the history.

    `signal`: the number of a signal that came in the same step.
    """

    def __init__(self, message: str, step: int) -> None:
        super().__init__(message)
        self.step = step
        self.signal: int | None = None


@dataclass
class Run:
    """One run under way. In a world of several processes the first one writes its files.

    `name`: the run's. `label`: in lines, where the name is not enough. `watch`: called after every
    step that has a grid, with the trainer and the number of steps done. `resumed`: the checkpoint
    to resume from; see `resume_point`. `rows`: of the history. `seconds`: that the run took to its
    last checkpoint, without the time between stops. `warning`: a line for the end of the log, where
    its samples came out all alike.
    """

    name: str
    trainer: Trainable
    files: Files
    resumed: Checkpoint | None = None
    world: World = ALONE
    label: str = ""
    watch: Callable[[Trainable, int], None] | None = None
    rows: list[str] = field(default_factory=list, init=False)
    seconds: float = field(default=0.0, init=False)
    warning: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.label = f"train {self.label or self.name}"
        self._begun = time.perf_counter()
        self.config = self.trainer.config
        self._snapshots = {*snapshot_steps(self.config)}
        if self.resumed:
            metadata = self.resumed.metadata
            self.trainer.load_state(self.resumed.tensors)
            # Those that it has too if it was never stopped, whatever `log_every` was then.
            rows = [(int(row.split("\t")[0]), row) for row in metadata["history"]]
            self.rows = [row for step, row in rows if self._logs(step)]
            self.seconds = metadata["seconds"]
            self._begun -= self.seconds

    def train(self) -> int | None:
        """Train to the last step, if that is still to do, and write the files.

        Returns the number of a signal that came too late to stop it, for whoever has more to do.
        Raises `Stopped` after SIGINT, SIGTERM or SIGHUP, and `DivergenceError`; the last good
        checkpoint is kept in both cases.
        """
        start = self.resumed.step if self.resumed else 0
        self._announce()
        with caught() as signals:
            if start < self.config.steps:
                try:
                    self._take_steps(start, signals)
                except DivergenceError as error:
                    self.seconds = time.perf_counter() - self._begun
                    error.signal = self._signal(signals)
                    raise
                self._write()
                # Last: what is needed to write them again or to train on, and nothing before it.
                self.files.checkpoints.keep = 1
                self._save(self.config.steps)
            else:
                self._write()
            return self._signal(signals)

    def _take_steps(self, start: int, signals: list[int]) -> None:
        config, saved = self.config, time.monotonic()
        self._agreed, self._agree_at = (saved, start), start + 1
        if self.world.is_main:
            write_history(self.files.history, self.trainer.columns, self.rows)
        with Progress(self.label, config.steps, "steps", silent=not self.world.is_main) as progress:
            progress.skip(start)
            for step in range(start, config.steps):
                self.trainer.step(step)
                done = step + 1
                if self._logs(done):
                    progress.advance(0, **self._log(done))
                self._keep(done)
                progress.advance(1)
                if done == config.steps:
                    return
                if self._asked_to_stop(signals, done):
                    self._save(done)
                    self._stop(done, signals)
                if time.monotonic() - saved > self.files.save_every:
                    self._save(done)
                    saved = time.monotonic()

    def _logs(self, done: int) -> bool:
        """Whether the history has a row when `done` steps are done."""
        is_kept = done == self.config.steps or done in self._snapshots
        return done % self.config.log_every == 0 or is_kept

    def _log(self, done: int) -> dict[str, float]:
        """Add a row to the history; what is to be shown of it."""
        found = self.trainer.measure()
        values = [found[column] for column in self.trainer.columns]
        if not self.trainer.finite():  # the weights too: a ReLU may turn NaN into 0
            self._diverge(values[0], done)
        rate = learning_rate(self.config, done - 1)
        numbers = [f"{value:.6g}" for value in (rate, *values)]
        self.rows.append("\t".join([f"{done}\t{done * self.config.batch}", *numbers]) + "\n")
        if self.world.is_main:
            with self.files.history.open("a") as file:
                file.write(self.rows[-1])
        return dict(sorted(found.items()))

    def _keep(self, done: int) -> None:
        """Write the grid and the snapshot of a step that has them."""
        if not self.world.is_main:
            return
        if done % self.config.grid_every == 0 or done == self.config.steps:
            save_grid(self.trainer, self.files, done)
            if self.watch:
                self.watch(self.trainer, done)
        if done in self._snapshots:
            save_snapshot(self.trainer, self.files, done)

    def _save(self, done: int) -> None:
        # Weights that are not finite are no state to go on from; the next row of the history, whose
        # step does not depend on the clock, says that the run has diverged.
        if self.world.is_main and self.trainer.finite():
            self.seconds = time.perf_counter() - self._begun
            metadata = {
                "history": self.rows,
                "precision": self.trainer.precisions,
                "finished": done == self.config.steps,
                "seconds": self.seconds,
            }
            self.files.checkpoints.save(done, self.trainer.state(), metadata)

    def _write(self) -> None:
        if self.world.is_main:
            write_history(self.files.history, self.trainer.columns, self.rows)
            found = collapsed(self.trainer)
            write_model(self.name, self.trainer, self.files, {"collapsed": found} if found else {})
            if found:
                self.warning = f"{self.label}: WARNING: {found}; {advice(self.trainer)}"

    def _asked_to_stop(self, signals: list[int], done: int) -> bool:
        """Whether a signal came; several processes agree on it about every `AGREE` seconds."""
        if self.world.size == 1:
            return bool(signals)
        if done < self._agree_at:
            return False
        now = time.monotonic()
        seconds, self._agreed = (now - self._agreed[0]) / (done - self._agreed[1]), (now, done)
        wait = max(1, int(AGREE / max(seconds, 1e-3))) if self.world.is_main else 0
        both = torch.tensor([int(bool(signals)), wait], device=self.world.device)
        self.world.sum_(both)
        asked, wait = both.tolist()
        self._agree_at = done + wait
        return bool(asked)

    def _announce(self) -> None:
        if self.world.is_main and self.resumed:
            step, steps = self.resumed.step, self.config.steps
            line = f"resuming from step {step} of {steps}"
            if step == steps:
                line = "already finished, rewriting outputs"
            elif self.resumed.metadata["finished"]:
                line = f"resuming from step {step}, where a shorter run ended, to step {steps}"
            print(f"{self.label}: {line} ({self.resumed.path})", file=sys.stderr, flush=True)

    def _stop(self, done: int, signals: list[int]) -> None:
        number, folder = _first(signals), self.files.checkpoints.folder
        self.world.barrier()  # the checkpoint is there before any process ends
        raise Stopped(
            f"{self.label}: stopped by {signal.Signals(number).name} after step {done} of "
            f"{self.config.steps}; run the same command to resume from {folder}",
            number,
        )

    def _diverge(self, loss: float, done: int) -> None:
        checkpoints = self.files.checkpoints
        kept = f"; the last good checkpoints are in {checkpoints.folder}"
        raise DivergenceError(
            f"{self.trainer.section}.{self.name}: expected a finite loss and finite weights, found "
            f"others, loss {loss:.4g}, at step {done} of seed {self.trainer.seed}; a lower lr, a "
            f"warmup or a grad_clip_norm may help{kept if checkpoints.latest() else ''}",
            done,
        )

    def _signal(self, signals: list[int]) -> int | None:
        """The number of a signal that came to this or to another process."""
        return _first(signals) if self.world.any(bool(signals)) else None


def _first(signals: list[int]) -> int:
    """The first signal that came, or SIGTERM where it came to another process alone."""
    return signals[0] if signals else int(signal.SIGTERM)
