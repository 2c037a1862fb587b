"""Seconds of pieces of work, in turns, so that a busy machine slows all of them alike."""

import statistics
import time
from collections.abc import Mapping

import torch

from gfmn.common.devices import Work

WARM_UP = 1  # turns that are not counted: they compile, allocate and lay out weights


class Clock:
    """Seconds on a device: a GPU is waited for, since it works on after a call has returned."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def now(self) -> float:
        """The time after all work so far."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def seconds(self, work: Work) -> float:
        """Seconds of one call."""
        start = self.now()
        work()
        return self.now() - start

    def in_turns(self, works: Mapping[str, Work], repeats: int) -> dict[str, float]:
        """Median seconds of each piece of work over `repeats` turns after the warm-up."""
        times: dict[str, list[float]] = {name: [] for name in works}
        for turn in range(WARM_UP + repeats):
            for name, work in works.items():
                seconds = self.seconds(work)
                if turn >= WARM_UP:
                    times[name].append(seconds)
        return {name: statistics.median(values) for name, values in times.items()}
