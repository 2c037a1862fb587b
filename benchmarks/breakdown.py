"""Where a step's time goes: clocks around the real calls, ours and the plain reference's.

A part's time is its own: a part that runs inside another is taken out of that one.
"""

import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

import gfmn.training.objectives.base
from benchmarks import plain
from benchmarks.arms import Contenders
from benchmarks.timing import Clock
from gfmn.common.devices import Work
from gfmn.training.trainer import Trainer

PARTS = (
    "generator forward",
    "networks forward",
    "moments",  # the reference's: concatenation, mean and variance
    "objective",  # ours: with the gradient by the features in closed form
    "backward",  # networks and generator, with the taps' gradients injected
    "optimizer",
)
REST = "noise and the rest"

Spot = tuple[object, str, str]  # whose method of which name is which part


def our_spots(trainer: Trainer) -> list[Spot]:
    """The parts of `Trainer.step`; a captured CUDA graph would run none of these calls."""
    return [
        (trainer.generator, "forward", "generator forward"),
        (trainer.extractor, "forward", "networks forward"),
        (gfmn.training.objectives.base, "batch_moments", "moments"),
        (trainer.objective, "forward", "objective"),
        (trainer.extractor, "backward", "backward"),
        (trainer.optimizer, "step", "optimizer"),
        (trainer.optimizer, "zero_grad", "optimizer"),
    ]


def plain_spots(training: plain.Training) -> list[Spot]:
    """The parts of the reference's step."""
    return [
        (training, "generate", "generator forward"),
        (training, "extract", "networks forward"),
        (training, "objective", "moments"),
        (training.loss, "step", "objective"),
        (training, "backward", "backward"),
        (training, "optimize", "optimizer"),
    ]


class Stopwatch:
    """Seconds by part of one piece of work."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.seconds = dict.fromkeys((*PARTS, REST), 0.0)
        self._inside: list[float] = []  # seconds of inner parts, one for each part that runs

    def run(self, work: Work, spots: list[Spot]) -> dict[str, float]:
        """Call `work` with clocks around its parts."""
        with ExitStack() as stack:
            for owner, name, part in spots:
                stack.enter_context(patch.object(owner, name, self._timed(owner, name, part)))
            with self._part(REST):
                work()
        return self.seconds

    def _timed(self, owner: object, name: str, part: str) -> Callable[..., Any]:
        method = getattr(owner, name)

        def call(*arguments: Any, **options: Any) -> Any:
            with self._part(part):
                return method(*arguments, **options)

        return call

    @contextmanager
    def _part(self, part: str) -> Iterator[None]:
        self._inside.append(0.0)
        start = self.clock.now()
        yield
        seconds = self.clock.now() - start
        self.seconds[part] += seconds - self._inside.pop()
        if self._inside:
            self._inside[-1] += seconds


def breakdown(contest: Contenders, clock: Clock, repeats: int) -> dict[str, dict[str, float]]:
    """Median seconds by part: `plain`, and ours by precision, in turns; all must be warm."""
    spots = {"plain": plain_spots(contest.plain)}
    works: dict[str, Work] = {"plain": contest.plain_step}
    for name, trainer in contest.ours.items():
        spots[name] = our_spots(trainer)
        works[name] = partial(contest.our_step, name)
    turns = [
        {name: Stopwatch(clock).run(work, spots[name]) for name, work in works.items()}
        for _ in range(repeats)
    ]
    return {
        name: {
            part: statistics.median(turn[name][part] for turn in turns) for part in (*PARTS, REST)
        }
        for name in works
    }
