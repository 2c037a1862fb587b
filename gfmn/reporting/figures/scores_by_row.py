"""Fréchet distances of extractors by row: a panel a feature space, and one of the paper's FID."""

from collections.abc import Iterator, Mapping

import pandas as pd

from gfmn.reporting.figures.drawing import (
    WIDTH,
    Drawing,
    heading,
    legend,
    new_axes,
    new_figure,
    to_png,
)
from gfmn.reporting.figures.row_panels import (
    ROW,
    Panel,
    RowPoint,
    draw_panel,
    draw_points,
    name_rows,
    remarks,
    scored_panels,
)
from gfmn.reporting.figures.sections import table_section
from gfmn.reporting.figures.theme import HUES, Theme, run_colors
from gfmn.reporting.formatting import join
from gfmn.reporting.results import Study
from gfmn.reporting.tables.table import Table

LEFT, BOTTOM, TOP = 2.0, 0.45, 0.95  # inches around the panels


def draw(study: Study, tables: Mapping[str, Table], theme: Theme) -> Iterator[Drawing]:
    """A drawing for each table whose rows are extractors, as those of the paper's Table 2."""
    for name, table in tables.items():
        if table.paper == "table2" and (panels := scored_panels(table)):
            yield _draw_table(study, theme, name, panels, table)


def _draw_table(
    study: Study, theme: Theme, name: str, panels: list[Panel], table: Table
) -> Drawing:
    runs, fids = list(table.runs["run"]), list(table.runs["paper_fid5k"])
    paper = [RowPoint(i, fid, None, HUES[4]) for i, fid in enumerate(fids) if not pd.isna(fid)]
    count, height = len(panels) + bool(paper), ROW * len(runs)
    pitch = (WIDTH - LEFT) / count
    figure = new_figure(theme, WIDTH, height + BOTTOM + TOP)
    for i in range(count):
        axes = new_axes(figure, theme, (LEFT + i * pitch, BOTTOM, pitch - 0.3, height))
        if i < len(panels):
            draw_panel(axes, theme, table, panels[i], run_colors(study))
        else:
            heading(axes, theme, "Paper: in Inception", "FID 5K, CIFAR-10 ↓")
            draw_points(axes, theme, paper, 1)
        name_rows(axes, theme, runs if i == 0 else [""] * len(runs))
    legend(figure, theme, [("run", theme.muted, "o"), ("real against real", theme.muted, "--")])
    spaces = join(space.evaluator for space, _ in panels)
    return Drawing(
        name=f"rows-{name}",
        caption=f"{study.config.tables[name].title}: each row’s Fréchet distance in {spaces}"
        f"{', and the paper’s FID of the row that it is compared with' if paper else ''}. Each "
        "panel has an axis of its own: distances in two feature spaces do not compare, orders "
        f"do.{remarks(table, panels)}",
        alt=f"Points of the rows {join(runs)} by their distance, a panel a feature space.",
        png=to_png(figure),
        section=table_section(name),
    )
