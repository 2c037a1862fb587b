"""Figures made of samples: runs side by side, and a strip below real images."""

import textwrap
from typing import Any

import numpy as np
from matplotlib.patches import Rectangle

from gfmn.common.images import grid
from gfmn.reporting.pictures import columns_of, real_images, sample_images
from gfmn.reporting.results import Study
from gfmn.reporting.style import DPI, SMALL, Drawing, Theme, new_figure, to_png

LABEL = 30  # px above a picture
PANEL = 512  # px: about the width of one run's samples
ACROSS = 3  # runs in a row


def real_and_generated(study: Study, theme: Theme) -> Drawing | None:
    """A wide strip: real images above, the headline run's samples below, each enlarged twice."""
    run, columns = study.headline, 18
    real = real_images(study, run.parameters.get("dataset"), 3 * columns)
    generated = sample_images(study, run.name, 3 * columns)
    if real is None or generated is None:
        return None
    bands = [grid(images, columns).repeat(2, 0).repeat(2, 1) for images in (real, generated)]
    height, width = bands[0].shape[0], bands[0].shape[1]
    figure = new_figure(theme, width / DPI, 2 * (height + LABEL) / DPI)
    for i, (band, text) in enumerate(zip(bands, ("Real", "Generated"), strict=True)):
        bottom = (1 - i) * (height + LABEL)
        figure.figimage(band, xo=0, yo=bottom + height - band.shape[0], origin="upper")
        y = (bottom + height + 9) / (2 * (height + LABEL))
        figure.text(0.002, y, text, color=theme.ink, fontsize=SMALL + 1, weight="bold")
    return Drawing(
        name=f"strip-{run.name}",
        kind="strip",
        table=None,
        caption=f"Real images of {run.parameters.get('dataset')} and samples of run "
        f"{run.name}{run.which(run.shown.seed)}.",
        alt="Rows of small real images above rows of generated ones.",
        png=to_png(figure, photographs=True),
    )


def side_by_side(study: Study, name: str, theme: Theme) -> Drawing | None:
    """The samples of a figure's runs, a square of each; None where none of them has samples."""
    config = study.config.figures[name]
    found = {run: _square(study, run) for run in config.runs}
    if not any(picture is not None for picture in found.values()):
        return None
    gap, across = 24, min(len(found), ACROSS)
    width = max(picture.shape[1] for picture in found.values() if picture is not None)
    pitch = width + LABEL + gap
    high = -(-len(found) // across) * pitch
    wide = across * (width + gap) - gap
    figure = new_figure(theme, wide / DPI, high / DPI)
    for i, (run, picture) in enumerate(found.items()):
        row, column = divmod(i, across)
        left, top = column * (width + gap), high - row * pitch - LABEL
        of = study.runs[run]
        if picture is None:
            box = Rectangle((left, top - width), width, width, color=theme.rule, transform=None)
            figure.add_artist(box)
            centre = ((left + width / 2) / wide, (top - width / 2) / high)
            middle: dict[str, Any] = {"ha": "center", "va": "center", "color": theme.muted}
            figure.text(*centre, textwrap.fill(of.status, 44), fontsize=SMALL, **middle)
        else:
            figure.figimage(picture, xo=left, yo=top - picture.shape[0], origin="upper")
        text = f"{run}{of.which(of.shown.seed)}: {of.parameters.get('dataset')}"
        place = ((left + 1) / wide, (top + 9) / high)
        figure.text(*place, text, color=theme.ink, fontsize=SMALL + 1, weight="bold")
    return Drawing(
        name=name,
        kind="grids",
        table=name,
        caption=f"{config.title}: the first samples of the runs {', '.join(found)}.",
        alt=f"Squares of generated images of the runs {', '.join(found)}.",
        png=to_png(figure, photographs=True),
    )


def _square(study: Study, run: str) -> np.ndarray | None:
    """A run's first samples as one picture, enlarged by a whole number."""
    size = study.tile_size(study.runs[run].parameters.get("dataset"))
    columns = columns_of(size)
    images = sample_images(study, run, columns**2)
    if images is None:
        return None
    factor = max(1, PANEL // (columns * size))
    return grid(images, columns).repeat(factor, 0).repeat(factor, 1)
