"""The report's figures. A figure is a function

    figures(study: Study, tables: Mapping[str, Table]) -> Iterator[Figure]

which yields one for each table, run or evaluator that has results for it, and a line in `FIGURES`.
A figure says itself what its file is called and in which section the page shows it. Those with
images in them (`pictures`) are matplotlib's, all others Vega-Lite's.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from gfmn.reporting.figures.figure import Figure
from gfmn.reporting.figures.pictures import pictures
from gfmn.reporting.results import Study
from gfmn.reporting.tables.table import Table

FIGURES = tuple(  # in the order in which the page shows them
    import_module(f"{__name__}.{name}").figures
    for name in (
        "scores",
        "training",
        "memorization",
        "classes",
    )
)


def draw_figures(study: Study, tables: Mapping[str, Table]) -> list[Figure]:
    """Every figure of charts for which there are results."""
    return [figure for one in FIGURES for figure in one(study, tables)]


def write_figures(study: Study, figures: list[Figure], folder: Path) -> None:
    """Write `<name>.png` of each, and of each picture with images, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {figure.name: figure.png() for figure in figures}
    files |= {picture.name: picture.png for picture in pictures(study)}
    for name, content in files.items():
        (folder / f"{name}.png").write_bytes(content)
