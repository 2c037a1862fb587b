"""Figures: each a PNG with its caption and the words for those who do not see it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from gfmn.reporting import names
from gfmn.reporting.classes import class_shares
from gfmn.reporting.display import decimals_for, number
from gfmn.reporting.gaps import gaps
from gfmn.reporting.memorisation import memorised_by_run, nearest_distances
from gfmn.reporting.paper import paper_tables
from gfmn.reporting.progress import loss_and_samples, progress
from gfmn.reporting.results import RunResult, Study
from gfmn.reporting.strips import real_and_generated, side_by_side
from gfmn.reporting.style import (
    HUES,
    SMALL,
    WIDTH,
    Drawing,
    Theme,
    finite,
    heading,
    label_ends,
    log_scale,
    mark_value,
    new_axes,
    new_figure,
    run_colours,
    to_png,
)
from gfmn.reporting.summary import REAL
from gfmn.reporting.tables import Table


def draw(study: Study, tables: Mapping[str, Table], theme: Theme) -> list[Drawing]:
    """Every figure for which there are results, in one theme."""
    found: list[Drawing | None] = [loss_and_samples(study, theme), real_and_generated(study, theme)]
    for name, figure in study.config.figures.items():
        if figure.kind == "samples":
            found.append(side_by_side(study, name, theme))
        else:
            found += [progress(study, name, run, theme) for run in figure.runs]
    for name, table in tables.items():
        found.append(losses(study, name, theme))
        found.append(distance_by_taps(study, name, table, theme))
        found.append(gaps(study, name, theme))
    found += [nearest_distances(study, theme), memorised_by_run(study, theme)]
    found += [class_shares(study, evaluator, theme) for evaluator in study.evaluators]
    return [drawing for drawing in found if drawing]


def write_figures(drawings: list[Drawing], to: Path) -> None:
    """Write `<name>.png` into the folder `to`."""
    to.mkdir(parents=True, exist_ok=True)
    for drawing in drawings:
        (to / f"{drawing.name}.png").write_bytes(drawing.png)


def losses(study: Study, table: str, theme: Theme) -> Drawing | None:
    """Loss curves of one table's runs; relative to their starts where the features differ."""
    curves: dict[str, list[pd.DataFrame]] = {}
    for name in study.config.tables[table].rows:
        histories = (seed.history for seed in study.runs[name].seeds)
        found = [finite(history) for history in histories if history is not None]
        if found := [curve for curve in found if len(curve)]:
            curves[name] = found
    if not curves:
        return None
    features = {matched(study.runs[name]) for name in curves}
    relative = len(features) > 1
    figure = new_figure(theme, WIDTH, 3.5)
    axes = new_axes(figure, theme, (0.62, 0.5, WIDTH - 2.2, 2.4))
    log_scale(axes)
    ends = []
    for name, of_seeds in curves.items():
        colour = run_colours(study)[name]
        width = 1.5 if len(of_seeds) == 1 else 0.8
        last = []
        for curve in of_seeds:
            values = curve["loss"] / (curve["loss"].iloc[0] if relative else 1)
            axes.plot(curve["step"], values, color=theme.tone(colour), linewidth=width)
            last.append(float(values.iloc[-1]))
        ends.append((float(np.median(last)), name, colour))
    axes.set_xlabel("step", color=theme.muted, fontsize=SMALL)
    unit = "loss as a share of its first value" if relative else "loss, equation 1"
    heading(axes, theme, study.config.tables[table].title, f"{unit}, logarithmic axis")
    label_ends(axes, theme, ends)
    why = "The runs match different features, so each curve is divided by its own first value: "
    same = "All runs match the same features of the same data, so the losses themselves compare: "
    slopes = "shapes compare, heights do not." if relative else "lower is closer."
    if any(len(of_seeds) > 1 for of_seeds in curves.values()):
        slopes += " Thin lines of one colour are the seeds of one run."
    return Drawing(
        name=f"loss-{table}",
        kind="loss",
        table=table,
        caption=(why if relative else same) + slopes,
        alt=f"Loss curves of the runs {', '.join(curves)}.",
        png=to_png(figure),
    )


def distance_by_taps(study: Study, name: str, table: Table, theme: Theme) -> Drawing | None:
    """Our Fréchet distance against the number of taps, beside the paper's FID (Table 3)."""
    key, space = table.distance, table.main
    if study.config.tables[name].paper != "table3" or key is None or space is None:
        return None
    rows = table.runs.dropna(subset=[key, "taps"]).sort_values("taps")
    if rows.empty:
        return None
    colour = theme.tone(HUES[0])
    figure = new_figure(theme, WIDTH, 3.6)
    ours = new_axes(figure, theme, (0.55, 0.5, 4.0, 2.4))
    n = names.count(key) or rows["n_generated"].iloc[0]
    dataset = ", ".join(rows["scored_against"].unique())
    detail = f"{dataset}; {n:,} generated against {rows['n_reference'].iloc[0]:,} real"
    where = "Inception" if space.canonical else space.evaluator
    heading(ours, theme, f"Here: {names.what(key)} in {where}", detail)
    ours.plot(rows["taps"], rows[key], "o-", color=colour, linewidth=1.5, markersize=5)
    over_seeds = rows[rows["seeds"] > 1] if f"{key}_std" in rows else rows[:0]
    if len(over_seeds):
        x, y, std = (over_seeds[column].astype(float) for column in ("taps", key, f"{key}_std"))
        ours.errorbar(x, y, std, fmt="none", ecolor=colour, elinewidth=1.2, capsize=3)
    places = decimals_for(rows[key]) - 1
    mine = [(float(n), float(y)) for n, y in zip(rows["taps"], rows[key], strict=True)]
    _values(ours, theme, mine, places)
    real = table.frame.loc[table.frame["run"] == REAL, key].dropna()
    if len(real):
        ours.axhline(real.iloc[0], color=theme.muted, linewidth=0.9, linestyle=(0, (4, 3)))
        ours.annotate(
            "real against real",
            (1, real.iloc[0]),
            xycoords=("axes fraction", "data"),
            xytext=(0, 4),
            textcoords="offset points",
            color=theme.muted,
            fontsize=SMALL,
            ha="right",
        )
    theirs = new_axes(figure, theme, (5.3, 0.5, 4.0, 2.4))
    heading(theirs, theme, "Paper: FID in Inception", "CIFAR-10; 5,000 samples; VGG19")
    published = [(row.layers, row.cifar10.fid5k) for row in paper_tables()["table3"]]
    points = [(float(layers), fid) for layers, fid in published if layers and fid]
    muted = theme.tone(HUES[4])
    theirs.plot(*zip(*points, strict=True), "o-", color=muted, linewidth=1.5, markersize=5)
    _values(theirs, theme, points, 1)
    for axes, label, ticks in (
        (ours, "matched layers (taps)", [float(t) for t in rows["taps"]]),
        (theirs, "matched layers", [layers for layers, _ in points]),
    ):
        axes.set_ylim(bottom=0)
        axes.margins(y=0.16)
        axes.set_ylim(0, axes.dataLim.y1 * 1.14)
        axes.set_xticks(sorted(set(ticks)), [f"{tick:g}" for tick in sorted(set(ticks))])
        axes.set_xlabel(label, color=theme.muted, fontsize=SMALL)
    differs = (
        "Both are FID: heights compare as far as data set, number of images and resizer (here "
        f"{space.resizer}) agree."
        if space.canonical
        else "Two feature spaces: shapes compare, heights do not."
    )
    bars = " Error bars: standard deviation (n − 1) over seeds." if len(over_seeds) else ""
    return Drawing(
        name=f"taps-{name}",
        kind="taps",
        table=name,
        caption=f"More matched layers. Left: {key} of this study, {detail}. Right: the paper’s "
        f"FID 5K on CIFAR-10. {differs}{bars}",
        alt=f"Two falling curves. Ours goes from {rows[key].iloc[0]:.4g} to "
        f"{rows[key].iloc[-1]:.4g}, the paper’s from {points[0][1]:g} to {points[-1][1]:g}.",
        png=to_png(figure),
    )


def matched(run: RunResult) -> tuple[object, ...]:
    """What a run's loss is of; losses compare where this is the same."""
    taps = tuple(tap.name for tap in run.model.taps) if run.model else None
    return (run.parameters.get("dataset"), run.parameters.get("extractor"), taps)


def _values(axes: Axes, theme: Theme, points: list[tuple[float, float]], places: int) -> None:
    reach = points[-1][0] - points[0][0]
    for i, (x, y) in enumerate(points):
        crowded = i > 0 and x - points[i - 1][0] < 0.09 * reach
        mark_value(axes, theme.ink, x, number(y, places), y, below=crowded)
