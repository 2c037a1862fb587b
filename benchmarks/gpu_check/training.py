"""The part `training`: minutes of training with two objectives, and images of both."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.gpu_check.check import Check, expect
from benchmarks.gpu_check.setting import Setting
from gfmn.common.images import grid
from gfmn.generators.sampling import fixed_grid
from gfmn.training.trainer import Trainer

# Of the run, by objective; AMA is without momentum, so that it converges (docs/convergence.md).
SETTINGS: dict[str, dict[str, Any]] = {
    "moment_matching": {"lr": 2e-3},
    "ama": {"lr": 5e-4, "ama": {"rate": 0.1, "beta1": 0.0, "normalize": "std"}},
}
LOG = 10  # steps between two readings of the loss
LEAST = 10  # readings, however short the time


@dataclass(frozen=True)
class History:
    """A training by the clock."""

    losses: list[float]  # every `LOG` steps
    seconds: float

    @property
    def steps(self) -> int:
        """Updates of the generator."""
        return LOG * len(self.losses)


def check(setting: Setting, deadline: float) -> Iterator[Check]:
    """Each objective in its part of the time, in the precision that is faster here."""
    end = min(deadline, time.time() + 60 * setting.minutes)
    inputs = setting.inputs(precision="auto")
    for number, (objective, fields) in enumerate(SETTINGS.items()):
        trainer = setting.trainer(inputs, objective=objective, precision="auto", **fields)
        seconds = (end - time.time()) / (len(SETTINGS) - number)
        history = train(trainer, seconds)
        path = setting.file(f"{objective}.png")
        save_comparison(setting, trainer, str(path))
        yield judge(objective, history, trainer.finite(), f"{trainer.precisions}; {path}")


def train(trainer: Trainer, seconds: float) -> History:
    """As many steps as fit; ends at a loss that is not finite."""
    losses: list[float] = []
    start = time.monotonic()
    while len(losses) < LEAST or time.monotonic() - start < seconds:
        for step in range(LOG * len(losses), LOG * (len(losses) + 1)):
            trainer.step(step)
        losses.append(float(trainer.objective.monitor.loss()))
        if not math.isfinite(losses[-1]):
            break
    return History(losses, time.monotonic() - start)


def judge(objective: str, history: History, finite: bool, more: str) -> Check:
    """PASS where the loss fell and every weight is finite; its end is the median of a tenth."""
    losses = history.losses
    end = median(losses[-max(1, len(losses) // 10) :])
    rate = history.steps / history.seconds
    text = (
        f"{objective}: loss {losses[0]:.4g} after {LOG} steps, {end:.4g} after "
        f"{history.steps:,}, in {history.seconds:.0f} s, {rate:.1f} steps a second; {more}"
    )
    some = losses[:: max(1, len(losses) // 100)]
    fell = finite and math.isfinite(losses[-1]) and end < losses[0]
    return expect(fell, text, steps=history.steps, steps_per_second=rate, losses=some)


def save_comparison(setting: Setting, trainer: Trainer, path: str) -> None:
    """64 real images on the left, 64 samples on the right."""
    real = setting.real_images()[:64]
    made = fixed_grid(trainer.result, trainer.config.latent, trainer.seed, len(real))
    left, right = grid(real, columns=8), grid(made, columns=8)
    gap = np.full((len(left), 16, 3), 255, np.uint8)
    Image.fromarray(np.concatenate([left, gap, right], axis=1)).save(path)
