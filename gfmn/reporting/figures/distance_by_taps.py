"""Our Fréchet distance by the number of taps next to the paper's FID, for its Table 3."""

from collections.abc import Iterator, Mapping

import pandas as pd
from matplotlib.axes import Axes

from gfmn.reporting.figures.drawing import (
    SMALL,
    WIDTH,
    Drawing,
    heading,
    mark_value,
    new_axes,
    new_figure,
    to_png,
)
from gfmn.reporting.figures.sections import table_section
from gfmn.reporting.figures.theme import HUES, Theme
from gfmn.reporting.formatting import decimals_for, format_number
from gfmn.reporting.paper import paper_tables
from gfmn.reporting.results import REAL_DATA, Study
from gfmn.reporting.tables.scored_spaces import ScoredSpace
from gfmn.reporting.tables.table import Table

Points = list[tuple[float, float]]  # number of layers, distance


def draw(study: Study, tables: Mapping[str, Table], theme: Theme) -> Iterator[Drawing]:
    """A drawing for each table that is compared with Table 3 and has a distance."""
    for name, table in tables.items():
        key, space = table.distance, table.main
        if table.paper == "table3" and key is not None and space is not None:
            rows = table.runs.dropna(subset=[key, "taps"]).sort_values("taps")
            if len(rows):
                yield _draw_table(theme, name, table, rows, key, space)


def _draw_table(
    theme: Theme, name: str, table: Table, rows: pd.DataFrame, key: str, space: ScoredSpace
) -> Drawing:
    figure = new_figure(theme, WIDTH, 3.6)
    ours = new_axes(figure, theme, (0.55, 0.5, 4.0, 2.4))
    count = space.scores[key].count or rows["n_generated"].iloc[0]
    datasets = ", ".join(rows["scored_against"].unique())
    detail = f"{datasets}; {count:,} generated against {rows['n_reference'].iloc[0]:,} real"
    network = "Inception" if space.canonical else space.evaluator
    heading(ours, theme, f"Here: {space.scores[key].title} in {network}", detail)
    has_bars = _draw_ours(ours, theme, table, rows, key)
    paper = new_axes(figure, theme, (5.3, 0.5, 4.0, 2.4))
    heading(paper, theme, "Paper: FID in Inception", "CIFAR-10; 5,000 samples; VGG19")
    published = [(row.layers, row.cifar10.fid5k) for row in paper_tables()["table3"]]
    points = [(float(layers), fid) for layers, fid in published if layers and fid]
    _draw_points(paper, theme, points, HUES[4], 1)
    taps = [float(count) for count in rows["taps"]]
    _finish(ours, theme, "matched layers (taps)", taps)
    _finish(paper, theme, "matched layers", [layers for layers, _ in points])
    comparable = (
        "Both are FID: heights compare as far as data set, number of images and resizer (here "
        f"{space.resizer}) agree."
        if space.canonical
        else "Two feature spaces: shapes compare, heights do not."
    )
    bars = " Error bars: standard deviation (n − 1) over seeds." if has_bars else ""
    return Drawing(
        name=f"taps-{name}",
        caption=f"More matched layers. Left: {key} of this study, {detail}. Right: the paper’s "
        f"FID 5K on CIFAR-10. {comparable}{bars}",
        alt=f"Two curves. Ours goes from {rows[key].iloc[0]:.4g} to {rows[key].iloc[-1]:.4g}, the "
        f"paper’s from {points[0][1]:g} to {points[-1][1]:g}.",
        png=to_png(figure),
        section=table_section(name),
    )


def _draw_ours(axes: Axes, theme: Theme, table: Table, rows: pd.DataFrame, key: str) -> bool:
    """Our runs, and the real data as a line; also whether there are error bars."""
    points = [(float(n), float(y)) for n, y in zip(rows["taps"], rows[key], strict=True)]
    _draw_points(axes, theme, points, HUES[0], decimals_for(rows[key]) - 1)
    over_seeds = rows[rows["seeds"] > 1] if f"{key}_std" in rows else rows[:0]
    if len(over_seeds):
        x, y, std = (over_seeds[column].astype(float) for column in ("taps", key, f"{key}_std"))
        color = theme.tone(HUES[0])
        axes.errorbar(x, y, std, fmt="none", ecolor=color, elinewidth=1.2, capsize=3)
    real = table.frame.loc[table.frame["run"] == REAL_DATA, key].dropna()
    if len(real):
        axes.axhline(real.iloc[0], color=theme.muted, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.annotate(
            "real against real",
            (1, real.iloc[0]),
            xycoords=("axes fraction", "data"),
            xytext=(0, 4),
            textcoords="offset points",
            color=theme.muted,
            fontsize=SMALL,
            ha="right",
        )
    return len(over_seeds) > 0


def _draw_points(axes: Axes, theme: Theme, points: Points, hue: str, decimals: int) -> None:
    """A line through the points, each with its value."""
    axes.plot(*zip(*points, strict=True), "o-", color=theme.tone(hue), linewidth=1.5, markersize=5)
    reach = points[-1][0] - points[0][0]
    for i, (x, y) in enumerate(points):
        crowded = i > 0 and x - points[i - 1][0] < 0.09 * reach
        mark_value(axes, theme.ink, x, format_number(y, decimals), y, below=crowded)


def _finish(axes: Axes, theme: Theme, label: str, ticks: list[float]) -> None:
    axes.set_ylim(bottom=0)
    axes.margins(y=0.16)
    axes.set_ylim(0, axes.dataLim.y1 * 1.14)
    axes.set_xticks(sorted(set(ticks)), [f"{tick:g}" for tick in sorted(set(ticks))])
    axes.set_xlabel(label, color=theme.muted, fontsize=SMALL)
