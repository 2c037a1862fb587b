"""A run: from its start, or from where it was stopped, to its end, with all that it leaves.

Exact: noise depends on seed, step and sample index alone, and a checkpoint holds everything else
that a step changes, so a run that was killed ends in the same bytes as one that was not.
"""

import json
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from gfmn import generators
from gfmn.common.errors import InputError, Stopped
from gfmn.common.images import grid
from gfmn.common.progress import Progress
from gfmn.features.extractor import Extractor
from gfmn.features.statistics import Statistics
from gfmn.generators.sampling import fixed_grid
from gfmn.runtime.checkpoints import Checkpoint, Checkpoints, code_digest, fingerprint
from gfmn.runtime.distributed import ALONE, World
from gfmn.runtime.signals import caught
from gfmn.training.config import TrainingConfig, learning_rate
from gfmn.training.trainer import Trainer

HEADER = "step\timages\tlr\tloss\n"


def run_fingerprint(config: TrainingConfig, statistics_digest: str, decoder_digest: str) -> str:
    """What must be equal for a checkpoint to be this run's: parameters, inputs and code.

    The number of steps counts only where the rate depends on it; else a finished run of fewer
    steps is the beginning of a longer one.
    """
    free = {"steps"} if config.hold == 1 else set()
    facts = {
        "parameters": config.model_dump(mode="json", exclude=free),
        "statistics": statistics_digest,
        "decoder": decoder_digest,
        "code": code_digest(),
        "torch": torch.__version__,
    }
    return fingerprint(facts)


def resume_point(
    config: TrainingConfig, checkpoints: Checkpoints, world: World = ALONE
) -> Checkpoint | None:
    """The newest usable checkpoint of the run, the same for all processes, or none.

    One of the last step is that of a run that was finished, with nothing left to train. The folder
    of checkpoints must be the same one for all processes.
    """
    found = checkpoints.latest(config.steps) if world.is_main else None
    if found and found.step == config.steps and not found.about["finished"]:
        found = checkpoints.latest(config.steps - 1)  # that was in the middle of a longer run
    if found and not all(_grid(checkpoints, step).is_file() for step in _grids(config, found.step)):
        print(f"{found.path}: expected its sample grids beside it; not used", file=sys.stderr)
        found = None
    start = torch.tensor(found.step if found else 0, device=world.device)
    world.broadcast_(start)
    if int(start) and not world.is_main:
        found = checkpoints.latest(int(start))
        if found is None or found.step != int(start):
            place = checkpoints.folder
            raise InputError(f"{place}: expected step {int(start)} here too, found none or another")
    return found


def _grids(config: TrainingConfig, done: int) -> list[int]:
    """The steps that have a grid when `done` steps are done."""
    steps = list(range(config.grid_every, done + 1, config.grid_every))
    return steps if done < config.steps or done in steps else [*steps, done]


def _grid(checkpoints: Checkpoints, step: int) -> Path:
    return checkpoints.folder / "grids" / f"step-{step:06d}.png"


@dataclass
class Run:
    """One run under way: its trainer, where its files go, and what it has logged.

    `folder` gets `generator.safetensors`, `config.json` and `grids/step-<n>.png` (the images of
    one fixed noise), the TSV file `history` a row of loss every so often. A checkpoint is saved
    about every `every` seconds. In a world of several processes the first one writes. Runs of one
    extractor, one after another, do not touch each other.
    """

    config: TrainingConfig
    name: str
    extractor: Extractor
    statistics: Statistics
    image_size: int
    folder: Path
    history: Path
    checkpoints: Checkpoints
    found: Checkpoint | None = None  # from which to go on; see `resume_point`
    world: World = ALONE
    every: float = 300.0  # seconds
    start: Mapping[str, Tensor] | None = None  # the generator's first weights, if not random
    precision: str | None = None  # the generator's, where it is known already
    title: str = ""  # what lines call it, where its name is not enough
    rows: list[str] = field(default_factory=list)
    seconds: float = 0.0  # that it took to the last checkpoint, without the time between stops

    def train(self) -> int | None:
        """Train to the last step, if that is still to do, and write the files.

        Returns the number of a signal that came too late to stop it, for whoever has more to do.
        Raises `Stopped` after SIGINT or SIGTERM, and `InputError` when the loss or a weight is no
        longer finite; the last good checkpoint is kept in both cases.
        """
        self._begun, found = time.perf_counter(), self.found
        self.trainer = Trainer(
            self.config,
            self.extractor,
            self.statistics,
            self.image_size,
            self.world,
            found.about["precision"]["generator"] if found else self.precision,
            self.start,
        )
        if found:
            self.trainer.load_state(found.tensors)
            self.rows, self.seconds = found.about["history"], found.about["seconds"]
            self._begun -= self.seconds
        self._announce()
        with caught() as signals:
            if found is None or found.step < self.config.steps:
                self._go_on(found.step if found else 0, signals)
                self._finish()
            else:
                self._write()
            late = self.world.any(bool(signals))
        return _first(signals) if late else None

    def _go_on(self, start: int, signals: list[int]) -> None:
        config, saved = self.config, time.monotonic()
        # The last row of a finished run is out of turn in a longer one.
        self.rows = [row for row in self.rows if int(row.split("\t")[0]) % config.log_every == 0]
        if self.world.is_main:
            self.history.parent.mkdir(parents=True, exist_ok=True)
            self.history.write_text(HEADER + "".join(self.rows))
        with self._progress() as progress:
            progress.skip(start)
            for step in range(start, config.steps):
                self.trainer.step(step)
                done = step + 1
                logs = done % config.log_every == 0 or done == config.steps
                if logs:
                    progress.advance(0, loss=self._log(done))
                if done % config.grid_every == 0 or done == config.steps:
                    self._save_grid(done)
                progress.advance(1)
                if done == config.steps:
                    return
                if self._asked(signals, logs):
                    self._save(done)
                    self._stop(done, signals)
                if time.monotonic() - saved > self.every:
                    self._save(done)
                    saved = time.monotonic()

    def _announce(self) -> None:
        if self.world.is_main and self.found:
            start, steps = self.found.step, self.config.steps
            finished = self.found.about["finished"]
            what = f"a finished run of {start} steps" if finished else f"step {start}"
            line = f"goes on from {what} to step {steps}, by {self.found.path}"
            if start == steps:
                line = f"was finished before; its files are written again, from {self.found.path}"
            print(f"{self._title}: {line}", file=sys.stderr, flush=True)

    @property
    def _title(self) -> str:
        return f"train {self.title or self.name}"

    def _progress(self) -> Progress:
        return Progress(self._title, self.config.steps, "steps", silent=not self.world.is_main)

    def _log(self, done: int) -> float:
        loss = float(self.trainer.objective.loss())
        if not self.trainer.finite():  # the weights too: a ReLU may make 0 of what is no number
            self._refuse(f"loss {loss:.4g}", done)
        rate = learning_rate(self.config, done - 1)
        self.rows.append(f"{done}\t{done * self.config.batch}\t{rate:.6g}\t{loss:.6g}\n")
        if self.world.is_main:
            with self.history.open("a") as file:
                file.write(self.rows[-1])
        return loss

    def _refuse(self, found: str, done: int) -> None:
        kept = f"; the last good checkpoints are in {self.checkpoints.folder}"
        raise InputError(
            f"runs.{self.name}: expected a finite loss and finite weights, found others, {found}, "
            f"at step {done} of seed {self.config.seed}; a lower lr, a warmup or a clip may help"
            f"{kept if self.checkpoints.latest() else ''}"
        )

    def _save_grid(self, done: int) -> None:
        if self.world.is_main:
            path = _grid(self.checkpoints, done)
            path.parent.mkdir(parents=True, exist_ok=True)
            pictures = fixed_grid(self.trainer.result, self.config.latent, self.config.seed)
            Image.fromarray(grid(pictures, columns=8)).save(path)

    def _save(self, done: int) -> None:
        if self.world.is_main:
            if not self.trainer.finite():
                self._refuse("between two rows of the history", done)
            self.seconds = time.perf_counter() - self._begun
            about = {
                "history": self.rows,
                "precision": self.precisions,
                "finished": done == self.config.steps,
                "seconds": self.seconds,
            }
            self.checkpoints.save(done, self.trainer.state(), about)

    def _asked(self, signals: list[int], logs: bool) -> bool:
        """Whether a signal came; several processes agree on it where they wait anyhow."""
        if self.world.size == 1:
            return bool(signals)
        return logs and self.world.any(bool(signals))

    def _stop(self, done: int, signals: list[int]) -> None:
        number = _first(signals)
        self.world.barrier()  # the checkpoint is there before any process ends
        raise Stopped(
            f"{self._title}: stopped by {signal.Signals(number).name} after step {done} of "
            f"{self.config.steps}; the same command goes on from {self.checkpoints.folder}",
            number,
        )

    def _finish(self) -> None:
        self._write()
        # Last: what is needed to write them again or to train on, and nothing before it.
        self.checkpoints.keep = 1
        self._save(self.config.steps)

    def _write(self) -> None:
        if not self.world.is_main:
            return
        config, folder = self.config, self.folder
        (folder / "grids").mkdir(parents=True, exist_ok=True)
        for step in _grids(config, config.steps):
            path = _grid(self.checkpoints, step)
            shutil.copyfile(path, folder / "grids" / path.name)
        self.history.parent.mkdir(parents=True, exist_ok=True)
        self.history.write_text(HEADER + "".join(self.rows))
        generators.save(self.trainer.result, folder / "generator.safetensors")
        description = json.dumps(describe(self), indent=2, sort_keys=True)
        (folder / "config.json").write_text(description + "\n")

    @property
    def precisions(self) -> dict[str, str]:
        """Of each network and of the generator, once the trainer is there."""
        return {**self.extractor.precision, "generator": self.trainer.precision}


def _first(signals: list[int]) -> int:
    """The first signal that came, or SIGTERM where it came to another process alone."""
    return signals[0] if signals else int(signal.SIGTERM)


def describe(run: Run) -> dict[str, Any]:
    """What a generator is and how it came to be: parameters, taps, statistics, final gaps."""
    config, trainer, taps = run.config, run.trainer, run.extractor.taps
    gaps = zip(taps, trainer.objective.gaps(), strict=True)
    return {
        "run": run.name,
        "generator": config.generator,
        "image_size": run.image_size,
        "latent": config.latent,
        "parameters": config.model_dump(mode="json"),
        "generator_parameters": sum(p.numel() for p in trainer.generator.parameters()),
        "features": trainer.objective.target.layout.features,
        "taps": [{"name": tap.name, "shape": list(tap.shape)} for tap in taps],
        "gaps": [
            {"tap": tap.name, "mean_gap": float(f"{m:.6g}"), "std_gap": float(f"{s:.6g}")}
            for tap, (m, s) in gaps
        ],
        "precision": run.precisions,
        "device": trainer.device.type,
        "statistics": run.statistics.about,
    }
