"""Colors of the figures: a light and a dark theme, and one color for each run."""

from dataclasses import dataclass

import numpy as np
from matplotlib import colors

from gfmn.reporting.results import Study

# Distinct under the common color-vision deficiencies (after Paul Tol's qualitative schemes).
HUES = ("#0072b2", "#009e73", "#aa3377", "#b8860b", "#4b5f7a", "#56a0d3", "#8c510a")
HEADLINE = "#d1495b"
RAMP = ("#9bb8d3", "#12355b")  # few taps to many


@dataclass(frozen=True)
class Theme:
    """Colors of everything that is not data; `lift` moves data's colors toward white, 0 to 1."""

    paper: str
    ink: str
    muted: str
    rule: str
    lift: float

    def tone(self, color: str) -> str:
        """A data color as it is shown on this theme's paper."""
        rgb = np.asarray(colors.to_rgb(color))
        return colors.to_hex(tuple(rgb + (1 - rgb) * self.lift))


LIGHT = Theme(paper="#ffffff", ink="#1f1e1c", muted="#6a665f", rule="#e6e2da", lift=0.0)
DARK = Theme(paper="#1d1d1b", ink="#eceae4", muted="#a5a198", rule="#383632", lift=0.36)


def run_colors(study: Study) -> dict[str, str]:
    """One color a run, the same in every figure; runs of the first n taps form a ramp."""
    tables = study.config.tables.values()
    order = list(dict.fromkeys([*(run for table in tables for run in table.rows), *study.runs]))
    taps = {name: study.runs[name].parameters.get("taps") for name in order}
    counts = {name: n for name, n in taps.items() if isinstance(n, int)}
    ranks = sorted(set(counts.values()))
    by_run = {study.headline.name: HEADLINE}
    hues = 0
    for name in order:
        if name in by_run:
            continue
        if name in counts:
            position = ranks.index(counts[name]) / max(len(ranks) - 1, 1)
            low, high = (np.asarray(colors.to_rgb(end)) for end in RAMP)
            by_run[name] = colors.to_hex(tuple(low + (high - low) * position))
        else:
            by_run[name] = HUES[hues % len(HUES)]
            hues += 1
    return by_run
