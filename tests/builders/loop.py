"""A run that a test starts, and what a test does to it."""

import hashlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

import numpy as np
from builders.training import Taps32, real

from gfmn.runtime.checkpoints import Checkpoints
from gfmn.training.config import TrainingConfig
from gfmn.training.loop import Run
from gfmn.training.outputs import Files
from gfmn.training.resume import resume_point, run_fingerprint
from gfmn.training.trainer import Inputs, Trainer


def random_images() -> np.ndarray:
    """64 images of noise, 32 px."""
    return np.random.default_rng(0).integers(0, 256, (64, 32, 32, 3), dtype=np.uint8)


def start(folder: Path, settings: TrainingConfig, save_every: float = 1e9) -> Run:
    """A run under `folder`, resumed from whatever checkpoint is there, as a seed's is."""
    network = Taps32()
    fingerprint = run_fingerprint(settings, "digest", "none")
    checkpoints = Checkpoints(folder / "scratch", "x", fingerprint)
    files = Files(folder / "model", folder / "history/x.tsv", checkpoints, save_every)
    inputs = Inputs(network, real(network, random_images()))
    resumed = resume_point(settings, files)
    return Run("x", Trainer(settings, inputs), files, resumed)


def digests(folder: Path) -> dict[str, str]:
    """Of the run's outputs, not of its scratch folder."""
    files = [*sorted((folder / "model").rglob("*.*")), folder / "history/x.tsv"]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def after_step(run: Run, act: Callable[[int], None]) -> None:
    """Call `act` at the end of every step, with the number of steps done."""
    step = run.trainer.step

    def stepped(number: int) -> None:
        step(number)
        act(number + 1)

    run.trainer.step = stepped  # type: ignore[method-assign]


def interrupt(run: Run, at: int | None, number: signal.Signals = signal.SIGTERM) -> None:
    """Send this process a signal at the end of a step."""
    after_step(run, lambda done: os.kill(os.getpid(), number) if done == at else None)
