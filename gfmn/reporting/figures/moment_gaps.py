"""What is not matched after training: each tap's gaps of moments, a row of panels an extractor."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from gfmn.reporting.figures.drawing import (
    SMALL,
    WIDTH,
    Drawing,
    heading,
    new_axes,
    new_figure,
    to_png,
)
from gfmn.reporting.figures.sections import MOMENTS
from gfmn.reporting.figures.theme import Theme, run_colors
from gfmn.reporting.results import RunResult, Study
from gfmn.reporting.tables.table import Table

LEFT, GAP, LEGEND = 0.55, 0.3, 1.7  # inches: left of the panels, between them, for runs' names
PANEL_WIDTH = (WIDTH - LEFT - GAP - LEGEND) / 2
PANEL_HEIGHT, ABOVE, BELOW = 1.5, 0.55, 0.85  # inches: of a panel; its heading; its taps' names
TAP, RUN = 0.105, 0.13  # inches from one tap's name to the next, and from one run's
LETTER = 0.065  # inches, about: of a tap's name
MARKERS = "os^Dv"  # of runs of one color, in turn
MEASURES: tuple["Measure", ...] = ("mean_gap", "std_gap")

Measure = Literal["mean_gap", "std_gap"]


def draw(study: Study, tables: Mapping[str, Table], theme: Theme) -> Iterator[Drawing]:
    """A drawing for each table whose runs recorded their gaps."""
    for name in tables:
        rows: dict[str, list[RunResult]] = {}
        for run in (study.runs[run] for run in study.config.tables[name].rows):
            if run.model and run.model.gaps:
                rows.setdefault(str(run.parameters.get("extractor")), []).append(run)
        if rows:
            yield _draw_table(study, theme, name, rows)


def _draw_table(
    study: Study, theme: Theme, table: str, rows: Mapping[str, list[RunResult]]
) -> Drawing:
    """Left the gaps of the means, right those of the standard deviations."""
    runs = [run for group in rows.values() for run in group]
    heights = [max(PANEL_HEIGHT, RUN * len(group)) for group in rows.values()]
    figure = new_figure(theme, WIDTH, sum(heights) + len(rows) * (ABOVE + BELOW))
    largest = max(max(_mean_gaps(run, key).values()) for run in runs for key in MEASURES)
    styles = _styles(study, theme, runs)
    top = float(figure.get_size_inches()[1])
    for (extractor, group), height in zip(rows.items(), heights, strict=True):
        taps = _tap_names(group)
        bottom = top - ABOVE - height
        for i, measure in enumerate(MEASURES):
            left = LEFT + i * (PANEL_WIDTH + GAP)
            axes = new_axes(figure, theme, (left, bottom, PANEL_WIDTH, height))
            moments = "means" if measure == "mean_gap" else "standard deviations"
            heading(axes, theme, extractor if i == 0 else "", f"gap of the {moments}")
            for run in group:
                gaps = _mean_gaps(run, measure)
                positions, values = [taps.index(tap) for tap in gaps], list(gaps.values())
                axes.plot(positions, values, **styles[run.name])
            axes.set_xlim(-0.5, len(taps) - 0.5)
            axes.set_ylim(0, largest * 1.22)
            axes.yaxis.set_major_locator(MaxNLocator(4))
            axes.tick_params(labelleft=i == 0)
            _name_taps(axes, theme, taps)
        _name_runs(axes, theme, [run.name for run in group], styles)
        top = bottom - BELOW
    several = any(sum(bool(seed.model) for seed in run.seeds) > 1 for run in runs)
    return Drawing(
        name=f"gaps-{table}",
        caption=f"{study.config.tables[table].title}. Per tap, from the first matched layer to the "
        "last: root-mean-square difference of the real and the generated features’ means (left) "
        "and standard deviations (right) after training, in units of the real standard deviation; "
        f"0 is a perfect match.{' For a run of several seeds, the mean.' if several else ''}",
        alt=f"Lines of per-tap gaps for the runs {', '.join(run.name for run in runs)}.",
        png=to_png(figure),
        section=MOMENTS,
    )


def _styles(study: Study, theme: Theme, runs: Sequence[RunResult]) -> dict[str, dict[str, Any]]:
    """Each run's line; runs of one color differ in their markers."""
    by_run = run_colors(study)
    colors = [by_run[run.name] for run in runs]
    return {
        run.name: {
            "color": theme.tone(color),
            "marker": MARKERS[colors[:i].count(color) % len(MARKERS)],
            "linewidth": 1.2,
            "markersize": 3.2,
        }
        for i, (run, color) in enumerate(zip(runs, colors, strict=True))
    }


def _name_taps(axes: Axes, theme: Theme, taps: list[str]) -> None:
    """Names below as many taps as there is room for, and above them that of each network."""
    step = -(-len(taps) // int(PANEL_WIDTH / TAP))
    networks = [tap.rpartition(".")[0] for tap in taps]
    starts = [i for i, name in enumerate(networks) if i == 0 or name != networks[i - 1]]
    ends = [*starts[1:], len(taps)]
    ticks = [i for a, b in zip(starts, ends, strict=True) for i in range(a, b, step)]
    ticks = [i for i in ticks if not any(i < start < i + step for start in starts)]
    names = [_shortened(taps[i].rpartition(".")[2].removeprefix("block"), 12) for i in ticks]
    side_by_side = LETTER * (max(map(len, names)) + 1) * len(taps) < PANEL_WIDTH
    axes.set_xticks(ticks, names, rotation=0 if side_by_side else 90, fontsize=6.4)
    for start in starts if len(starts) > 1 else ():
        if start:
            axes.axvline(start - 0.5, color=theme.muted, linewidth=0.8, linestyle=(0, (2, 2)))
        units: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "va": "top"}
        offset: dict[str, Any] = {"xytext": (3, 0), "textcoords": "offset points"}
        text = networks[start]
        axes.annotate(text, (start - 0.5, 1), color=theme.muted, fontsize=SMALL, **units, **offset)


def _name_runs(
    axes: Axes, theme: Theme, runs: Sequence[str], styles: Mapping[str, dict[str, Any]]
) -> None:
    """The runs' names at the right of the axes, in their order."""
    legend = axes.legend(
        [Line2D([], [], **styles[run]) for run in runs],
        [_shortened(run, 20) for run in runs],
        loc="upper left",
        bbox_to_anchor=(1.02, 1.0),
        borderaxespad=0,
        frameon=False,
        fontsize=SMALL - 0.4,
        handlelength=1.5,
        labelspacing=0.2,
    )
    for text, run in zip(legend.get_texts(), runs, strict=True):
        text.set_color(styles[run]["color"])


def _shortened(name: str, length: int) -> str:
    return name if len(name) <= length else f"{name[: length - 1]}…"


def _mean_gaps(run: RunResult, measure: Measure) -> dict[str, float]:
    """A gap by tap, its mean over the seeds that were trained."""
    by_tap: dict[str, list[float]] = {}
    for gap in (gap for seed in run.seeds if seed.model for gap in seed.model.gaps):
        by_tap.setdefault(gap.tap, []).append(getattr(gap, measure))
    return {tap: float(np.mean(values)) for tap, values in by_tap.items()}


def _tap_names(runs: list[RunResult]) -> list[str]:
    """The taps of all these runs, those of the run with most first."""
    names: dict[str, None] = {}
    for run in sorted(runs, key=lambda run: -len(run.model.gaps) if run.model else 0):
        names |= dict.fromkeys(gap.tap for gap in run.model.gaps) if run.model else {}
    return list(names)
