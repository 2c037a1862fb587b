"""The loss along the training, and above the curve samples of the same noise (Figure 5)."""

import numpy as np
import pandas as pd

from gfmn.common.images import grid
from gfmn.reporting.pictures import cut_tiles
from gfmn.reporting.results import FigureConfig, RunResult, SeedResult, Study
from gfmn.reporting.style import (
    DPI,
    SMALL,
    WIDTH,
    Drawing,
    Theme,
    finite,
    log_scale,
    new_axes,
    new_figure,
    run_colours,
    spread,
    to_png,
)

SIDE = 192  # px: about the width of one step's images
MOST = 8  # steps with images
GAP = 14.0  # px between two of them


def epochs(images: "pd.Series[float]", count: int) -> "pd.Series[float]":
    """Images seen as epochs of a data set of `count` images."""
    return images / count


def loss_and_samples(study: Study, theme: Theme) -> Drawing | None:
    """The headline run's loss by step, and images of one noise; none where a figure shows it."""
    run = study.headline
    figures = study.config.figures.values()
    if any(figure.kind == "progress" and run.name in figure.runs for figure in figures):
        return None
    if (of := _seed(run)) is None or of.history is None:
        return None
    history = finite(of.history)
    by_step = pd.DataFrame({"x": history["step"], "loss": history["loss"]})
    marks = [(float(step), f"step {step:,}") for step, _ in of.grids]
    drawn, shown = _draw(study, theme, run, of, by_step, "step", marks)
    return Drawing(
        name=f"loss-samples-{run.name}",
        kind="samples",
        table=None,
        caption=f"Run {run.name}{run.which(of.seed)}: the loss of equation 1 on running moments "
        f"against the step, and images of the same noise vectors at steps "
        f"{', '.join(text.removeprefix('step ') for text in shown)} (as the paper’s Figure 5).",
        alt=_alt(by_step),
        png=drawn,
    )


def progress(study: Study, figure: str, name: str, theme: Theme) -> Drawing | None:
    """A run's loss by epoch and images of its fixed noise along it; None where it has no history.

    An epoch is as many images as the data set has; where that is not known, images are counted.
    """
    run = study.runs[name]
    if (of := _seed(run)) is None or of.history is None:
        return None
    history, dataset = finite(of.history), str(run.parameters.get("dataset"))
    count = study.datasets.get(dataset, {}).get("count")
    seen = history["images"] if count is None else epochs(history["images"], int(count))
    by_epoch = pd.DataFrame({"x": seen, "loss": history["loss"]})
    steps = [0, *history["step"]]
    at = np.interp([step for step, _ in of.grids], steps, [0, *seen])
    unit, word = ("images", "images") if count is None else ("epoch", "epochs")
    marks = [(float(x), f"{unit} {_short(float(x))}") for x in at]
    drawn, shown = _draw(study, theme, run, of, by_epoch, word, marks)
    config = study.config.figures[figure]
    length = "" if count is None else f" An epoch is the {int(count):,} images of {dataset}."
    return Drawing(
        name=progress_name(config, figure, name),
        kind="progress",
        table=figure,
        caption=f"Run {name}{run.which(of.seed)}: the loss of equation 1 on running moments by "
        f"{unit}, and images of the same noise vectors at {unit} "
        f"{', '.join(text.removeprefix(f'{unit} ') for text in shown)}.{length}",
        alt=_alt(by_epoch),
        png=drawn,
    )


def progress_name(config: FigureConfig, figure: str, run: str) -> str:
    """What the drawing of one of a figure's runs is called."""
    return figure if len(config.runs) == 1 else f"{figure}-{run}"


def _seed(run: RunResult) -> SeedResult | None:
    """The first seed with grids and a history that a logarithmic axis can show."""
    found = (seed for seed in run.seeds if seed.grids and seed.history is not None)
    return next((s for s in found if s.history is not None and len(finite(s.history))), None)


def _draw(
    study: Study,
    theme: Theme,
    run: RunResult,
    of: SeedResult,
    curve: pd.DataFrame,
    unit: str,
    marks: list[tuple[float, str]],
) -> tuple[bytes, list[str]]:
    """The curve, columns x and loss, with some of the grids at `marks`; also what those say."""
    size = study.tile_size(run.parameters.get("dataset"))
    across = max(1, min(3, SIDE // size))
    factor = max(1, SIDE // (across * size))  # whole, so that no pixel is made up
    wide, high = across * size * factor, 3 * size * factor
    most = min(MOST, int((WIDTH * DPI - 24 + GAP) // (wide + GAP)))
    chosen = _even(len(of.grids), most)
    colour = theme.tone(run_colours(study)[run.name])
    figure = new_figure(theme, WIDTH, (high + 445) / DPI)
    axes = new_axes(figure, theme, (0.78, 0.55, WIDTH - 1.06, 2.25))
    axes.plot(curve["x"], curve["loss"], color=colour, linewidth=1.6)
    log_scale(axes)
    axes.set_xlabel(unit, color=theme.muted, fontsize=SMALL)
    axes.set_ylabel("loss, equation 1 (log)", color=theme.muted, fontsize=SMALL)
    centres = [float(axes.transData.transform((marks[i][0], 1))[0]) for i in chosen]
    right = figure.bbox.width - wide / 2 - 12
    placed = _within(spread(centres, wide + GAP), wide / 2 + 12, right, wide + GAP)
    bottom = figure.bbox.height - high - 34
    for i, x in zip(chosen, placed, strict=True):
        at, text = marks[i]
        tiles = cut_tiles(of.grids[i][1], size)[:3, :across]
        picture = grid(tiles.reshape(-1, size, size, 3), tiles.shape[1])
        picture = picture.repeat(factor, 0).repeat(factor, 1)
        figure.figimage(picture, xo=round(x - wide / 2), yo=round(bottom), origin="upper")
        y = float(np.interp(at, curve["x"], curve["loss"]))
        axes.annotate(
            "",
            (at, y),
            xytext=(x / figure.bbox.width, (bottom - 4) / figure.bbox.height),
            textcoords="figure fraction",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": theme.muted, "linewidth": 0.8, "shrinkB": 3},
        )
        axes.plot([at], [y], "o", color=colour, markersize=5.5, clip_on=False)
        above = bottom + high + 7
        place = (x / figure.bbox.width, above / figure.bbox.height)
        figure.text(*place, text, color=theme.ink, fontsize=SMALL, ha="center")
    return to_png(figure, photographs=True), [marks[i][1] for i in chosen]


def _alt(curve: pd.DataFrame) -> str:
    first, last = curve["loss"].iloc[0], curve["loss"].iloc[-1]
    return (
        f"The loss goes from {first:.3g} to {last:.3g} on a logarithmic axis, with small grids of "
        "generated images above the curve."
    )


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == round(value) else f"{value:.3g}"


def _even(count: int, most: int) -> list[int]:
    return sorted({int(i) for i in np.linspace(0, count - 1, min(count, most)).round()})


def _within(placed: list[float], low: float, high: float, gap: float) -> list[float]:
    for i, x in enumerate(placed):  # from the left inward, then from the right
        placed[i] = max(x, low + i * gap)
    for i, x in enumerate(reversed(placed)):
        placed[-1 - i] = min(x, high - i * gap)
    return placed
