"""Squares of samples, one for each run of a figure of the kind `samples`.

A file for other documents: the page shows the same samples itself.
"""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from matplotlib.patches import Rectangle

from gfmn.common.images import grid
from gfmn.reporting.figures.drawing import DPI, SMALL, Drawing, new_figure, to_png
from gfmn.reporting.figures.theme import Theme
from gfmn.reporting.images import grid_columns, sample_images
from gfmn.reporting.results import Study
from gfmn.reporting.tables.table import Table

LABEL = 30  # px above a square
SQUARE = 512  # px, about: width of one run's samples
GAP = 24  # px
MAX_COLUMNS = 3


def draw(study: Study, tables: Mapping[str, Table], theme: Theme) -> Iterator[Drawing]:
    """A drawing for each such figure in which at least one run has samples."""
    for name, figure in study.config.figures.items():
        if figure.kind != "samples":
            continue
        squares = {run: _square(study, run) for run in figure.runs}
        if any(square is not None for square in squares.values()):
            yield Drawing(
                name=name,
                caption=f"{figure.title}: the first samples of the runs {', '.join(squares)}.",
                alt=f"Squares of generated images of the runs {', '.join(squares)}.",
                png=_draw_squares(study, theme, squares),
                section=None,
                has_images=True,
            )


def _draw_squares(study: Study, theme: Theme, squares: Mapping[str, np.ndarray | None]) -> bytes:
    columns = min(len(squares), MAX_COLUMNS)
    side = max(square.shape[1] for square in squares.values() if square is not None)
    pitch = side + LABEL + GAP
    height = -(-len(squares) // columns) * pitch
    width = columns * (side + GAP) - GAP
    figure = new_figure(theme, width / DPI, height / DPI)
    for i, (name, square) in enumerate(squares.items()):
        row, column = divmod(i, columns)
        left, top = column * (side + GAP), height - row * pitch - LABEL
        run = study.runs[name]
        if square is None:
            box = Rectangle((left, top - side), side, side, color=theme.rule, transform=None)
            figure.add_artist(box)
            center = ((left + side / 2) / width, (top - side / 2) / height)
            style: dict[str, Any] = {"ha": "center", "va": "center", "color": theme.muted}
            figure.text(*center, textwrap.fill(run.status, 44), fontsize=SMALL, **style)
        else:
            figure.figimage(square, xo=left, yo=top - square.shape[0], origin="upper")
        label = f"{name}{run.seed_label(run.shown_seed.seed)}: {run.dataset}"
        position = ((left + 1) / width, (top + 9) / height)
        figure.text(*position, label, color=theme.ink, fontsize=SMALL + 1, weight="bold")
    return to_png(figure, has_images=True)


def _square(study: Study, run: str) -> np.ndarray | None:
    """A run's first samples as one image, enlarged by a whole number."""
    size = study.image_size(study.runs[run].dataset)
    columns = grid_columns(size)
    images = sample_images(study, run, columns**2)
    if images is None:
        return None
    scale = max(1, SQUARE // (columns * size))
    return grid(images, columns).repeat(scale, 0).repeat(scale, 1)
