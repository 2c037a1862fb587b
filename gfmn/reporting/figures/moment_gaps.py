"""What is not matched after training: the gaps of each tap's moments, a panel an extractor."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from gfmn.reporting.figures.drawing import (
    SMALL,
    WIDTH,
    Drawing,
    above_axes,
    heading,
    label_ends,
    mark_value,
    new_axes,
    new_figure,
    to_png,
)
from gfmn.reporting.figures.sections import MOMENTS
from gfmn.reporting.figures.theme import Theme, run_colors
from gfmn.reporting.results import RunResult, Study
from gfmn.reporting.tables.table import Table

LEFT = 0.55  # inches
LABELS = 0.95  # inches to the right of each panel, for the runs' names
MAX_TICKS = 30


def draw(study: Study, tables: Mapping[str, Table], theme: Theme) -> Iterator[Drawing]:
    """A drawing for each table whose runs recorded their gaps."""
    for name in tables:
        panels: dict[str, list[RunResult]] = {}
        for run in (study.runs[run] for run in study.config.tables[name].rows):
            if run.model and run.model.gaps:
                panels.setdefault(str(run.parameters.get("extractor")), []).append(run)
        if panels:
            yield _draw_table(study, theme, name, panels)


def _draw_table(
    study: Study, theme: Theme, table: str, panels: Mapping[str, list[RunResult]]
) -> Drawing:
    """Above, the gaps of the means; below, those of the standard deviations."""
    taps = {extractor: _tap_names(runs) for extractor, runs in panels.items()}
    colors = run_colors(study)
    widths = np.asarray([max(len(names), 6) for names in taps.values()], float)
    widths *= (WIDTH - LEFT - 0.15 - LABELS * len(panels)) / widths.sum()
    figure = new_figure(theme, WIDTH, 4.75)
    left = LEFT
    all_axes: list[Axes] = []
    for (extractor, runs), width in zip(panels.items(), widths, strict=True):
        upper = new_axes(figure, theme, (left, 2.6, width, 1.55))
        lower = new_axes(figure, theme, (left, 0.7, width, 1.55))
        heading(upper, theme, extractor, "gap of the means")
        above_axes(lower, "gap of the standard deviations", 6, color=theme.muted, fontsize=SMALL)
        _draw_gaps(upper, theme, runs, "mean_gap", taps[extractor], colors)
        _draw_gaps(lower, theme, runs, "std_gap", taps[extractor], colors)
        step = -(-len(taps[extractor]) // MAX_TICKS)
        short = [_short_name(tap) for tap in taps[extractor][::step]]
        ticks = range(0, len(taps[extractor]), step)
        lower.set_xticks(ticks, short, rotation=90, fontsize=6.4)
        all_axes += [upper, lower]
        left += width + LABELS
    largest = max(float(axes.dataLim.y1) for axes in all_axes)
    for axes, (runs, key) in zip(all_axes, _measures(panels), strict=True):
        axes.set_ylim(0, largest * 1.06)
        if axes not in all_axes[:2]:
            axes.tick_params(labelleft=False)
        names = taps[str(runs[0].parameters.get("extractor"))]
        _label_runs(axes, theme, runs, key, names, colors)
    runs = [run for group in panels.values() for run in group]
    several = any(sum(bool(seed.model) for seed in run.seeds) > 1 for run in runs)
    return Drawing(
        name=f"gaps-{table}",
        caption=f"{study.config.tables[table].title}. Per tap, from the first matched layer to the "
        "last: root-mean-square difference of the real and the generated features’ means (above) "
        "and standard deviations (below) after training, in units of the real standard deviation; "
        f"0 is a perfect match.{' For a run of several seeds, the mean.' if several else ''}",
        alt=f"Lines of per-tap gaps for the runs {', '.join(run.name for run in runs)}.",
        png=to_png(figure),
        section=MOMENTS,
    )


Measure = Literal["mean_gap", "std_gap"]


def _measures(panels: Mapping[str, list[RunResult]]) -> Iterator[tuple[list[RunResult], Measure]]:
    for runs in panels.values():
        yield runs, "mean_gap"
        yield runs, "std_gap"


def _draw_gaps(
    axes: Axes,
    theme: Theme,
    runs: list[RunResult],
    measure: Measure,
    taps: list[str],
    colors: Mapping[str, str],
) -> None:
    for run in runs:
        gaps = _mean_gaps(run, measure)
        positions, values = [taps.index(tap) for tap in gaps], list(gaps.values())
        color = theme.tone(colors[run.name])
        axes.plot(positions, values, "o-", color=color, linewidth=1.2, markersize=3.2)
    axes.set_xlim(-0.4, len(taps) - 0.6)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.set_xticks(range(len(taps)), [""] * len(taps))


def _label_runs(
    axes: Axes,
    theme: Theme,
    runs: list[RunResult],
    measure: Measure,
    taps: list[str],
    colors: Mapping[str, str],
) -> None:
    """Names at the right edge, or at the last point of a run that matches fewer taps."""
    ends = []
    for run in runs:
        gaps = _mean_gaps(run, measure)
        last, value = taps.index(list(gaps)[-1]), list(gaps.values())[-1]
        if last == len(taps) - 1:
            ends.append((value, run.name, colors[run.name]))
        else:
            mark_value(axes, theme.tone(colors[run.name]), last, run.name, value, below=False)
    label_ends(axes, theme, ends)


def _short_name(tap: str) -> str:
    return tap.rpartition(".")[2].removeprefix("block")[-12:]


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
