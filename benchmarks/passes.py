"""The statistics pass: the real one against its networks alone and against plain sums."""

import io
import math
import statistics
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from benchmarks import plain
from benchmarks.arms import IMAGE_SIZE, Contenders
from benchmarks.timing import WARM_UP, Clock
from gfmn.common.devices import Work
from gfmn.common.images import bytes_to_unit
from gfmn.common.progress import Progress
from gfmn.features.extractor import Extractor
from gfmn.features.statistics import extract

BATCH = 256  # images at a time


@dataclass(frozen=True)
class PassTimes:
    """Median seconds of a batch."""

    ours: float
    forward: float  # of our networks alone
    plain: float | None  # of the plain reference, where it took part


class Turns(Progress):
    """Times the batches of a pass, and lets other works take their turn after each.

    The pass reports every batch to its progress: so it is the real pass that is measured.
    """

    def __init__(self, clock: Clock, others: dict[str, Work]) -> None:
        super().__init__("", 0, "", every=math.inf, stream=io.StringIO())
        self.clock, self.others = clock, others
        self.seconds: dict[str, list[float]] = {"ours": [], **{name: [] for name in others}}
        self.began = clock.now()

    def advance(self, count: int = 1, **values: float) -> None:
        """A batch is done."""
        self.seconds["ours"].append(self.clock.now() - self.began)
        for name, work in self.others.items():
            self.seconds[name].append(self.clock.seconds(work))
        self.began = self.clock.now()

    def median(self, name: str) -> float:
        """After the warm-up, to which a pass's first batch, that gives the shift, belongs."""
        return statistics.median(self.seconds[name][WARM_UP:])


def through(extractor: Extractor, unit: torch.Tensor) -> None:
    """The networks' forward pass alone; each tap is dropped before the next, as the pass does."""
    for _ in extractor.stream(unit):
        pass


@torch.no_grad()
def pass_times(contest: Contenders, clock: Clock, repeats: int) -> dict[str, PassTimes]:
    """By precision. The reference takes its turns in the pass of `auto`'s."""
    device = clock.device
    networks = contest.plain.networks
    batch = np.random.default_rng(0).integers(0, 256, (BATCH, IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8)
    unit = bytes_to_unit(batch).to(device)
    result = {}

    def sums() -> None:
        features = plain.concatenate(networks(bytes_to_unit(batch).to(device)))
        features.sum(0), features.square().sum(0)

    for name, trainer in contest.ours.items():
        extractor = trainer.extractor
        others: dict[str, Work] = {"forward": partial(through, extractor, unit)}
        if name == contest.auto:
            others["plain"] = sums
        turns = Turns(clock, others)
        images = np.tile(batch, (WARM_UP + repeats, 1, 1, 1))
        extract(images, extractor, BATCH, turns)
        reference = turns.median("plain") if name == contest.auto else None
        result[name] = PassTimes(turns.median("ours"), turns.median("forward"), reference)
    return result
