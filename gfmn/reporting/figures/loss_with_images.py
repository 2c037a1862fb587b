"""A run's loss curve, and above it samples of the same noise at several points of the training."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gfmn.common.images import grid
from gfmn.reporting.figures.drawing import (
    DPI,
    SMALL,
    WIDTH,
    log_scale,
    new_axes,
    new_figure,
    positive_losses,
    space_apart,
    to_png,
)
from gfmn.reporting.figures.theme import Theme, run_colors
from gfmn.reporting.images import cut_tiles
from gfmn.reporting.results import RunResult, SeedResult, Study

GRID_WIDTH = 192  # px, about: of the samples at one point
MAX_GRIDS = 8
GAP = 14.0  # px between two grids


@dataclass(frozen=True)
class Curve:
    """A loss curve along steps or epochs, and the points at which there are grids of samples.

    `loss`: columns x and loss; `grid_x` and `grid_labels`: position and text of each of the seed's
    grids.
    """

    loss: pd.DataFrame
    x_label: str
    grid_x: Sequence[float]
    grid_labels: Sequence[str]


def seed_with_grids(run: RunResult) -> tuple[SeedResult, pd.DataFrame] | None:
    """The first seed with grids and a history that a logarithmic axis can show, and that."""
    for seed in run.seeds:
        if seed.grids and seed.history is not None:
            history = positive_losses(seed.history)
            if len(history):
                return seed, history
    return None


def draw_curve(
    study: Study, theme: Theme, run: RunResult, seed: SeedResult, curve: Curve
) -> tuple[bytes, list[str]]:
    """A PNG of the curve with evenly chosen grids; also the labels of those."""
    size = study.image_size(run.dataset)
    across = max(1, min(3, GRID_WIDTH // size))
    scale = max(1, GRID_WIDTH // (across * size))  # a whole number, so no pixel is interpolated
    width, height = across * size * scale, 3 * size * scale
    most = min(MAX_GRIDS, int((WIDTH * DPI - 24 + GAP) // (width + GAP)))
    chosen = _evenly(len(seed.grids), most)
    color = theme.tone(run_colors(study)[run.name])
    figure = new_figure(theme, WIDTH, (height + 445) / DPI)
    axes = new_axes(figure, theme, (0.78, 0.55, WIDTH - 1.06, 2.25))
    axes.plot(curve.loss["x"], curve.loss["loss"], color=color, linewidth=1.6)
    log_scale(axes)
    axes.set_xlabel(curve.x_label, color=theme.muted, fontsize=SMALL)
    axes.set_ylabel("loss, equation 1 (log)", color=theme.muted, fontsize=SMALL)
    centers = [float(axes.transData.transform((curve.grid_x[i], 1))[0]) for i in chosen]
    right = figure.bbox.width - width / 2 - 12
    spaced = _within(space_apart(centers, width + GAP), width / 2 + 12, right, width + GAP)
    bottom = figure.bbox.height - height - 34
    for i, center in zip(chosen, spaced, strict=True):
        tiles = cut_tiles(seed.grids[i][1], size)[:3, :across]
        image = grid(tiles.reshape(-1, size, size, 3), tiles.shape[1])
        image = image.repeat(scale, 0).repeat(scale, 1)
        figure.figimage(image, xo=round(center - width / 2), yo=round(bottom), origin="upper")
        x = curve.grid_x[i]
        y = float(np.interp(x, curve.loss["x"], curve.loss["loss"]))
        axes.annotate(
            "",
            (x, y),
            xytext=(center / figure.bbox.width, (bottom - 4) / figure.bbox.height),
            textcoords="figure fraction",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": theme.muted, "linewidth": 0.8, "shrinkB": 3},
        )
        axes.plot([x], [y], "o", color=color, markersize=5.5, clip_on=False)
        label_y = (bottom + height + 7) / figure.bbox.height
        style: dict[str, Any] = {"color": theme.ink, "fontsize": SMALL, "ha": "center"}
        figure.text(center / figure.bbox.width, label_y, curve.grid_labels[i], **style)
    return to_png(figure, has_images=True), [curve.grid_labels[i] for i in chosen]


def alt_text(curve: Curve) -> str:
    """The curve's ends, for readers who do not see it."""
    first, last = curve.loss["loss"].iloc[0], curve.loss["loss"].iloc[-1]
    return (
        f"The loss goes from {first:.3g} to {last:.3g} on a logarithmic axis, with small grids of "
        "generated images above the curve."
    )


def _evenly(count: int, most: int) -> list[int]:
    """At most `most` indices below `count`, the first and the last among them."""
    return sorted({int(i) for i in np.linspace(0, count - 1, min(count, most)).round()})


def _within(positions: list[float], low: float, high: float, gap: float) -> list[float]:
    """Rising positions `gap` apart, moved between two ends: first from the left, then the right."""
    for i, x in enumerate(positions):
        positions[i] = max(x, low + i * gap)
    for i, x in enumerate(reversed(positions)):
        positions[-1 - i] = min(x, high - i * gap)
    return positions
