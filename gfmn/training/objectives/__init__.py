"""Objectives by name: what of the taps is matched, and how."""

from collections.abc import Callable
from typing import Literal

from gfmn.common.config import Config
from gfmn.features.moments import Target
from gfmn.training.objectives.base import MomentObjective
from gfmn.training.objectives.moment_matching import Running, RunningConfig
from gfmn.training.objectives.moving_average import (
    AdamMovingAverage,
    AMAConfig,
    MAConfig,
    MovingAverage,
    PlainLoss,
)

__all__ = [
    "AMAConfig",
    "Groups",
    "MAConfig",
    "MomentObjective",
    "Name",
    "RunningConfig",
    "Target",
    "build",
]

Name = Literal["ama", "ma", "l2", "running"]


class Groups(Config):
    """The parameters of every objective, a group each; a run has all, and uses its own."""

    ama: AMAConfig = AMAConfig()
    ma: MAConfig = MAConfig()
    running: RunningConfig = RunningConfig()


def build(name: Name, target: Target, groups: Groups, seed: int = 0) -> MomentObjective:
    """The objective of that name, with its own group of parameters."""
    makers: dict[Name, Callable[[], MomentObjective]] = {
        "ama": lambda: AdamMovingAverage(target, groups.ama, seed),
        "ma": lambda: MovingAverage(target, groups.ma),
        "l2": lambda: PlainLoss(target),
        "running": lambda: Running(target, groups.running),
    }
    return makers[name]()
