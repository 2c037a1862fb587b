"""The FIDs that the paper's Table 4 publishes, and beside them our rows in our own spaces."""

from collections.abc import Iterator, Mapping

from gfmn.reporting.figures.drawing import WIDTH, Drawing, heading, new_axes, new_figure, to_png
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
from gfmn.reporting.figures.theme import HEADLINE, HUES, Theme, run_colors
from gfmn.reporting.formatting import join
from gfmn.reporting.paper import DATASETS, HALVES, PAPER, paper_dataset, paper_tables
from gfmn.reporting.results import REAL_DATA, Study
from gfmn.reporting.tables.table import Table

LEFT, NAMES = 2.15, 2.1  # inches, for the names of the published rows and of ours
PANEL = (WIDTH - LEFT - NAMES - 0.3) / 2
BOTTOM, ABOVE, TOP = 0.4, 0.85, 0.6  # inches: below the last panel, above others, above the first

Published = list[tuple[str, float, str]]  # a row's name, FID 5K and color


def draw(study: Study, tables: Mapping[str, Table], theme: Theme) -> Iterator[Drawing]:
    """A drawing for each table that is compared with Table 4 and has scores."""
    for name, table in tables.items():
        panels = scored_panels(table)
        if table.paper in HALVES and panels:
            dataset = paper_dataset(table.paper)
            published = _published(table.paper, dataset)
            yield _draw_table(study, theme, name, table, panels, published, DATASETS[dataset])


def _published(paper: str, dataset: str) -> Published:
    """The rows with a FID 5K, the best first."""
    rows = []
    for row in paper_tables()[paper]:
        scores = row.on(dataset)
        if scores and scores.fid5k is not None:
            own = HEADLINE if row.source == PAPER else HUES[4]
            rows.append((row.label, scores.fid5k, HUES[6] if row.label == REAL_DATA else own))
    return sorted(rows, key=lambda row: row[1])


def _draw_table(
    study: Study,
    theme: Theme,
    name: str,
    table: Table,
    panels: list[Panel],
    published: Published,
    dataset: str,
) -> Drawing:
    """Left the published rows, right a panel a space, one above another."""
    runs = list(table.runs["run"])
    high = ROW * len(runs)
    right = len(panels) * high + (len(panels) - 1) * ABOVE
    height = max(right, ROW * len(published))
    figure = new_figure(theme, WIDTH, height + BOTTOM + TOP)
    top = BOTTOM + height
    box = (LEFT, top - ROW * len(published), PANEL, ROW * len(published))
    axes = new_axes(figure, theme, box)
    heading(axes, theme, "Published: in Inception", f"FID 5K, {dataset} ↓")
    points = [RowPoint(i, fid, None, color) for i, (_, fid, color) in enumerate(published)]
    draw_points(axes, theme, points, 1)
    name_rows(axes, theme, [label for label, _, _ in published])
    for i, panel in enumerate(panels):
        bottom = top - high - i * (high + ABOVE)
        axes = new_axes(figure, theme, (LEFT + PANEL + NAMES, bottom, PANEL, high))
        draw_panel(axes, theme, table, panel, run_colors(study))
        name_rows(axes, theme, runs)
    spaces = join(space.evaluator for space, _ in panels)
    listed = "; ".join(f"{label} {fid:g}" for label, fid, _ in published)
    return Drawing(
        name=f"published-{name}",
        caption=f"Left: the published FIDs (5,000 samples, {dataset}, Inception) of the paper’s "
        "Table 4, the paper’s own rows in red. Right: this study’s rows in its own feature spaces "
        f"({spaces}), real against real dashed. Each panel has an axis of its own: "
        f"{_comparable(panels)}{remarks(table, panels)}",
        alt=f"Published FIDs: {listed}. Beside them the distances of {join(runs)} in {spaces}.",
        png=to_png(figure),
        section=table_section(name),
    )


def _comparable(panels: list[Panel]) -> str:
    canonical = [space.evaluator for space, _ in panels if space.canonical]
    if not canonical:
        return "distances in two feature spaces do not compare."
    only = join(canonical)
    return f"only those in {only} compare, as far as data set, number of images and resizer agree."
