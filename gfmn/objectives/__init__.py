"""Objectives by name: what of the taps is matched, and how."""

from collections.abc import Callable

from gfmn.moments import Target
from gfmn.objectives.base import MomentObjective
from gfmn.objectives.moving_average import (
    AdamMovingAverage,
    AMAConfig,
    MAConfig,
    MovingAverage,
    PlainLoss,
)
from gfmn.objectives.running import Running, RunningConfig

__all__ = ["AMAConfig", "MAConfig", "MomentObjective", "RunningConfig", "Target", "build"]


def build(
    name: str, target: Target, ama: AMAConfig, ma: MAConfig, running: RunningConfig, seed: int = 0
) -> MomentObjective:
    """The objective called `ama`, `ma`, `l2` or `running`, with its own group of parameters."""
    makers: dict[str, Callable[[], MomentObjective]] = {
        "ama": lambda: AdamMovingAverage(target, ama, seed),
        "ma": lambda: MovingAverage(target, ma),
        "l2": lambda: PlainLoss(target),
        "running": lambda: Running(target, running),
    }
    return makers[name]()
