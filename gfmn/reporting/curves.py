"""Loss curves as a page holds them: few points, few digits, and how each is drawn."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from gfmn.reporting.results import RunResult, Study
from gfmn.reporting.style import DARK, LIGHT, finite, run_colours

POINTS = 240  # of a curve, at most
DIGITS = 4  # of a loss


def curves(run: RunResult) -> list[dict[str, Any]]:
    """A run's losses by step and by images seen, a curve for each seed that has any."""
    histories = (finite(seed.history) for seed in run.seeds if seed.history is not None)
    return [_thin(history) for history in histories if len(history)]


def looks(study: Study, runs: Sequence[RunResult]) -> list[dict[str, Any]]:
    """Each run's colour in both themes, as in the figures, and which dashes tell equal ones apart.

    `dash` counts the runs before it that have the same colour.
    """
    colours = run_colours(study)
    found: list[dict[str, Any]] = []
    seen: list[str] = []
    for run in runs:
        colour = colours[run.name]
        tones = {"light": LIGHT.tone(colour), "dark": DARK.tone(colour)}
        found.append(tones | {"dash": seen.count(colour)})
        seen.append(colour)
    return found


def _thin(history: pd.DataFrame) -> dict[str, Any]:
    chosen = np.unique(np.linspace(0, len(history) - 1, min(len(history), POINTS)).round())
    rows = history.iloc[chosen.astype(int)]
    return {
        "step": rows["step"].astype(int).tolist(),
        "images": rows["images"].astype(int).tolist(),
        "loss": [_rounded(loss) for loss in rows["loss"]],
    }


def _rounded(value: float) -> float:
    places = DIGITS - 1 - math.floor(math.log10(value))
    rounded = round(value, places)
    return int(rounded) if places <= 0 else rounded
