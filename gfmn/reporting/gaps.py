"""A figure of what is not matched: each tap's moments after training beside the real ones."""

from collections.abc import Callable

import numpy as np
from matplotlib.ticker import MaxNLocator

from gfmn.reporting.results import RunResult, Study
from gfmn.reporting.style import (
    SMALL,
    WIDTH,
    Drawing,
    Theme,
    above_axes,
    heading,
    label_ends,
    mark_value,
    new_axes,
    new_figure,
    run_colours,
    to_png,
)


def gaps(study: Study, table: str, theme: Theme) -> Drawing | None:
    """How far each tap's moments are from the real ones after training; a column an extractor."""
    panels: dict[str, list[RunResult]] = {}
    for name in study.config.tables[table].rows:
        run = study.runs[name]
        if run.model and run.model.gaps:
            panels.setdefault(str(run.parameters.get("extractor")), []).append(run)
    if not panels:
        return None
    names = {e: _tap_names(runs) for e, runs in panels.items()}
    colours = run_colours(study)
    room, label_room = WIDTH - 0.55 - 0.15, 0.95
    widths = np.asarray([max(len(taps), 6) for taps in names.values()], float)
    widths *= (room - label_room * len(panels)) / widths.sum()
    figure = new_figure(theme, WIDTH, 4.75)
    top = 0.0
    grids = []
    left = 0.55
    for (extractor, runs), width in zip(panels.items(), widths, strict=True):
        upper = new_axes(figure, theme, (left, 2.6, width, 1.55))
        lower = new_axes(figure, theme, (left, 0.7, width, 1.55))
        heading(upper, theme, extractor, "gap of the means")
        above_axes(lower, "gap of the deviations", 6, color=theme.muted, fontsize=SMALL)
        grids.append((upper, lower, runs, names[extractor]))
        left += width + label_room
    several = any(sum(bool(seed.model) for seed in r.seeds) > 1 for g in grids for r in g[2])
    mean = " Of a run of several seeds, the mean." if several else ""
    measures: tuple[Callable[[RunResult], dict[str, float]], ...] = (
        lambda run: _mean_gaps(run, "mean_gap"),
        lambda run: _mean_gaps(run, "std_gap"),
    )
    drawn = []
    for upper, lower, runs, taps in grids:
        for axes, measure in zip((upper, lower), measures, strict=True):
            ends = []
            for run in runs:
                values = measure(run)
                xs = [taps.index(tap) for tap in values]
                ys = list(values.values())
                top = max([top, *(y for y in ys if np.isfinite(y))])
                colour = theme.tone(colours[run.name])
                axes.plot(xs, ys, "o-", color=colour, linewidth=1.2, markersize=3.2)
                if xs[-1] == len(taps) - 1:
                    ends.append((ys[-1], run.name, colours[run.name]))
                else:
                    mark_value(axes, colour, xs[-1], run.name, ys[-1], below=False)
            drawn.append((axes, ends))
            axes.set_xlim(-0.4, len(taps) - 0.6)
            axes.yaxis.set_major_locator(MaxNLocator(4))
            if axes not in grids[0][:2]:
                axes.tick_params(labelleft=False)
            axes.set_xticks(range(len(taps)), [""] * len(taps))
        step = -(-len(taps) // 30)
        short = [tap.rpartition(".")[2].removeprefix("block")[-12:] for tap in taps[::step]]
        lower.set_xticks(range(0, len(taps), step), short, rotation=90, fontsize=6.4)
    for axes, ends in drawn:
        axes.set_ylim(0, top * 1.06)
        label_ends(axes, theme, ends)
    return Drawing(
        name=f"gaps-{table}",
        kind="gaps",
        table=table,
        caption=f"{study.config.tables[table].title}. Per tap, from the first matched layer to the "
        "last: root-mean-square difference of the real and the generated features’ means (above) "
        "and standard deviations (below) after training, in units of the real standard deviation; "
        f"0 is a perfect match.{mean}",
        alt=f"Lines of per-tap gaps for the runs {', '.join(r.name for g in grids for r in g[2])}.",
        png=to_png(figure),
    )


def _mean_gaps(run: RunResult, measure: str) -> dict[str, float]:
    """A gap by tap, its mean over the seeds that were trained."""
    found: dict[str, list[float]] = {}
    for gap in (gap for seed in run.seeds if seed.model for gap in seed.model.gaps):
        found.setdefault(gap.tap, []).append(getattr(gap, measure))
    return {tap: float(np.mean(values)) for tap, values in found.items()}


def _tap_names(runs: list[RunResult]) -> list[str]:
    names: list[str] = []
    for run in sorted(runs, key=lambda r: -len(r.model.gaps) if r.model else 0):
        names += [g.tap for g in run.model.gaps if g.tap not in names] if run.model else []
    return names
