"""Panels of a table's rows by their distances: one feature space each, on an axis of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes

from gfmn.reporting.figures.drawing import SMALL, heading
from gfmn.reporting.figures.theme import Theme
from gfmn.reporting.formatting import decimals_for, format_number, join
from gfmn.reporting.results import REAL_DATA
from gfmn.reporting.tables.scored_spaces import ScoredSpace
from gfmn.reporting.tables.table import Table

ROW = 0.28  # inches a row
NAME_LENGTH = 30
MAX_SPACES = 3

Panel = tuple[ScoredSpace, str]  # a space and its Fréchet distance


@dataclass(frozen=True)
class RowPoint:
    """A row's distance, its deviation over seeds where there are several, and its color."""

    row: int  # from the top
    value: float
    std: float | None
    color: str
    hollow: bool = False


def scored_panels(table: Table) -> list[Panel]:
    """The first spaces in which at least one of a table's runs has a distance."""
    found = ((space, table.distance_in(space)) for space in table.spaces)
    panels = [(space, key) for space, key in found if key and table.runs[key].notna().any()]
    return panels[:MAX_SPACES]


def draw_panel(
    axes: Axes, theme: Theme, table: Table, panel: Panel, colors: Mapping[str, str]
) -> None:
    """A table's runs in one space, real images against real ones as a dashed line."""
    space, key = panel
    heading(axes, theme, f"Here: in {space.evaluator}", f"{key} ↓")
    points = []
    for i, (_, row) in enumerate(table.runs.iterrows()):
        if pd.isna(row[key]):
            continue
        seeds = row[f"seeds{space.suffix}"]
        std = row[f"{key}_std"] if not pd.isna(seeds) and seeds > 1 else None
        own = not pd.isna(row["flattered"]) and space.evaluator in row["flattered"].split(", ")
        points.append(RowPoint(i, row[key], std, colors[row["run"]], hollow=own))
    draw_points(axes, theme, points)
    real = table.frame.loc[table.frame["run"] == REAL_DATA, key].dropna()
    if len(real):
        axes.axvline(real.iloc[0], color=theme.muted, linewidth=1, linestyle=(0, (4, 3)), zorder=1)


def draw_points(axes: Axes, theme: Theme, points: Sequence[RowPoint], decimals: int = -1) -> None:
    """The points with their values, by default to about three digits; the axis begins at 0."""
    if decimals < 0:
        decimals = decimals_for(point.value for point in points) - 1
    for point in points:
        color, value, std = theme.tone(point.color), point.value, point.std or 0.0
        face = theme.paper if point.hollow else color
        axes.plot([0, value], [point.row] * 2, color=theme.rule, linewidth=1.2)
        if std:
            axes.plot([value - std, value + std], [point.row] * 2, color=color, linewidth=1.5)
            axes.plot([value - std, value + std], [point.row] * 2, "|", color=color, markersize=6)
        axes.plot(value, point.row, "o", color=color, markerfacecolor=face, markersize=5.5)
        text = format_number(value, decimals)
        axes.annotate(
            text if point.std is None else f"{text} ± {format_number(std, decimals)}",
            (value + std, point.row),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            color=theme.ink,
            fontsize=SMALL,
        )
    axes.set_xlim(0, max(point.value + (point.std or 0) for point in points) * 1.5)


def name_rows(axes: Axes, theme: Theme, names: Sequence[str]) -> None:
    """Set the rows' places, the first at the top, with their names, which may be empty."""
    cut = [n if len(n) <= NAME_LENGTH else f"{n[: NAME_LENGTH - 1]}…" for n in names]
    axes.set_yticks(range(len(names)), cut)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", colors=theme.ink)
    axes.locator_params(axis="x", nbins=4)


def remarks(table: Table, panels: Sequence[Panel]) -> str:
    """What bars and hollow points of these panels are, as sentences for a caption."""
    seeds = [table.runs[f"seeds{space.suffix}"].max() for space, _ in panels]
    bars = any(not pd.isna(count) and count > 1 for count in seeds)
    flattered = table.runs.dropna(subset="flattered")
    text = " Bars: standard deviation (n − 1) over seeds." if bars else ""
    if len(flattered):
        text += f" Hollow: {join(flattered['run'])}, trained on that panel’s own network."
    return text
