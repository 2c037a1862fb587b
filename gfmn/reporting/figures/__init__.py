"""The report's figures. A figure is a module with

    draw(study: Study, tables: Mapping[str, Table], theme: Theme) -> Iterator[Drawing]

which yields a drawing for each table, run or evaluator that has results for it, and a line in
`FIGURES`. A drawing says itself what its file is called and in which section the page shows it.
"""

from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path

from gfmn.reporting.figures.drawing import Drawing
from gfmn.reporting.figures.theme import Theme
from gfmn.reporting.results import Study
from gfmn.reporting.tables.table import Table

FIGURES = tuple(  # in the order in which the page shows them
    import_module(f"{__name__}.{name}")
    for name in (
        "loss_by_step",
        "sample_strip",
        "sample_grids",
        "loss_by_epoch",
        "loss_curves",
        "scores_by_row",
        "loss_and_distance",
        "distance_by_taps",
        "published_comparison",
        "moment_gaps",
        "nearest_distances",
        "memorized",
        "class_shares",
    )
)


def draw_figures(study: Study, tables: Mapping[str, Table], theme: Theme) -> list[Drawing]:
    """Every figure for which there are results, in one theme."""
    return [drawing for figure in FIGURES for drawing in figure.draw(study, tables, theme)]


def write_figures(drawings: Iterable[Drawing], folder: Path) -> None:
    """Write `<name>.png` of each into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for drawing in drawings:
        (folder / f"{drawing.name}.png").write_bytes(drawing.png)
