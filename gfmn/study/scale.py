"""What an update costs by batch, image size and number of devices: a model, and its constants.

With N images in a batch over P devices, S pixels a side and r = (S / S0)^2 of the side S0 that the
constants were measured at:

    seconds = (fixed + image N / P) r + 2 (P - 1) / P (moments r + gradient) / bandwidth
    bytes   = held + (features + image_bytes N / P) r

Convolutions and features grow with the pixels, r; of what is exchanged the moments do and the
generator's gradient does not. An all-reduce in a ring sends 2 (P - 1) / P of its bytes.
"""

import math
from pathlib import Path
from typing import NamedTuple

import torch

from gfmn.common.devices import peak_memory
from gfmn.features.extractor import load_extractor
from gfmn.features.statistics import Statistics
from gfmn.study.measure import WARM_UP, fastest
from gfmn.training.config import TrainingConfig
from gfmn.training.trainer import Inputs, Trainer

BATCHES = (16, 64)  # at which the constants are measured
CALLS = 5  # timed updates


class Costs(NamedTuple):
    """The constants of one run on one device; seconds and bytes."""

    size: int  # S0
    fixed: float  # of an update, whatever its batch: the objective, the optimizer
    image: float  # of an image: through generator and networks and back
    held: int  # before the first image: torch, weights
    features: int  # vectors of all features: statistics, the objective's state
    image_bytes: float  # of an image: what the backward pass needs
    moments: int  # bytes that are summed over devices and grow with the pixels
    gradient: int  # and that do not

    def seconds(
        self, batch: int, devices: int = 1, size: int | None = None, bandwidth: float = math.inf
    ) -> float:
        """Of an update; `bandwidth`: bytes a second between two devices."""
        ratio = self._ratio(size)
        sent = 2 * (devices - 1) / devices * (self.moments * ratio + self.gradient)
        return (self.fixed + self.image * batch / devices) * ratio + sent / bandwidth

    def memory(self, batch: int, devices: int = 1, size: int | None = None) -> float:
        """Bytes of one device."""
        ratio = self._ratio(size)
        return self.held + (self.features + self.image_bytes * batch / devices) * ratio

    def _ratio(self, size: int | None) -> float:
        return ((size or self.size) / self.size) ** 2


def fit(config: TrainingConfig, path: Path, size: int, real: Statistics) -> Costs:
    """Measure a run's updates at two batches, in a process that has not held more before.

    `path`: its extractor's file. `real`: statistics of the right shapes.
    """
    extractor = load_extractor(
        path, size, config.taps, config.precision, batchnorm=config.batchnorm
    )
    taken, peaks = [], []
    for batch in BATCHES:
        each = config.model_copy(update={"batch": batch, "processes": 1})
        trainer = Trainer(each, Inputs(extractor, real))
        taken.append(update_seconds(trainer))
        peaks.append(peak_memory())
    less, more = BATCHES
    image = max(0.0, (taken[1] - taken[0]) / (more - less))
    image_bytes = max(0.0, (peaks[1] - peaks[0]) / (more - less))
    target = trainer.objective.target
    vectors = (*trainer.objective.buffers(), target.mean, target.variance)
    features = sum(vector.numel() * vector.element_size() for vector in vectors)
    return Costs(
        size,
        max(0.0, taken[0] - less * image),
        image,
        round(peaks[0] - less * image_bytes) - features,
        features,
        image_bytes,
        2 * 4 * target.layout.features,
        4 * sum(weight.numel() for weight in trainer.weights),
    )


def update_seconds(trainer: Trainer) -> float:
    """Of the fastest of a few updates after the first ones."""
    for step in range(WARM_UP):
        trainer.step(step)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return fastest(lambda: trainer.step(WARM_UP), CALLS)
