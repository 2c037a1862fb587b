"""Figures made of samples: along the loss, and in a strip below real images."""

import numpy as np

from gfmn.images import grid
from gfmn.reporting.pictures import cut_tiles, real_images, sample_images
from gfmn.reporting.results import Study
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


def loss_and_samples(study: Study, theme: Theme) -> Drawing | None:
    """The headline run's loss, and samples of the same noise along it (the paper's Figure 5)."""
    run = study.headline
    of = next((s for s in run.seeds if s.grids and s.history is not None), None)
    size = study.tile_size(run.parameters.get("dataset"))
    if of is None or of.history is None or finite(of.history).empty:
        return None
    history = finite(of.history)
    chosen = [of.grids[i] for i in _even(len(of.grids), 6)]
    colour = theme.tone(run_colours(study)[run.name])
    figure = new_figure(theme, WIDTH, 4.9)
    axes = new_axes(figure, theme, (0.62, 0.55, WIDTH - 0.9, 2.25))
    axes.plot(history["step"], history["loss"], color=colour, linewidth=1.6)
    log_scale(axes)
    axes.set_xlabel("step", color=theme.muted, fontsize=SMALL)
    axes.set_ylabel("loss, equation 1 (log)", color=theme.muted, fontsize=SMALL)
    side = 3 * size * max(1, round(186 / (3 * size)))  # px: nine images, enlarged by whole numbers
    centres = [float(axes.transData.transform((step, 1))[0]) for step, _ in chosen]
    right = figure.bbox.width - side / 2 - 12
    placed = _within(spread(centres, side + 14.0), side / 2 + 12, right, side + 14.0)
    bottom = figure.bbox.height - side - 34
    for (step, path), x in zip(chosen, placed, strict=True):
        nine = cut_tiles(path, size)[:3, :3]
        picture = grid(nine.reshape(-1, size, size, 3), nine.shape[1])
        factor = side // (3 * size)
        picture = picture.repeat(factor, 0).repeat(factor, 1)
        figure.figimage(picture, xo=round(x - side / 2), yo=round(bottom), origin="upper")
        y = float(np.interp(step, history["step"], history["loss"]))
        at = figure.transFigure.inverted().transform((x, bottom - 4))
        axes.annotate(
            "",
            (step, y),
            xytext=(float(at[0]), float(at[1])),
            textcoords="figure fraction",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": theme.muted, "linewidth": 0.8, "shrinkB": 3},
        )
        axes.plot([step], [y], "o", color=colour, markersize=5.5, clip_on=False)
        place = figure.transFigure.inverted().transform((x, bottom + side + 7))
        figure.text(
            float(place[0]),
            float(place[1]),
            f"step {step:,}",
            color=theme.ink,
            fontsize=SMALL,
            ha="center",
        )
    shown = ", ".join(f"{step:,}" for step, _ in chosen)
    first, last = history["loss"].iloc[0], history["loss"].iloc[-1]
    return Drawing(
        name=f"loss-samples-{run.name}",
        kind="samples",
        table=None,
        caption=f"Run {run.name}{run.which(of.seed)}: the loss of equation 1 on running moments "
        f"against the step, and images of the same nine noise vectors at steps {shown} (as the "
        "paper’s Figure 5).",
        alt=f"The loss goes from {first:.3g} to {last:.3g} on a logarithmic axis, with small grids "
        "of generated images above the curve.",
        png=to_png(figure, photographs=True),
    )


def real_and_generated(study: Study, theme: Theme) -> Drawing | None:
    """A wide strip: real images above, the headline run's samples below, each enlarged twice."""
    run, columns = study.headline, 18
    real = real_images(study, run.parameters.get("dataset"), 3 * columns)
    generated = sample_images(study, run.name, 3 * columns)
    if real is None or generated is None:
        return None
    bands = [grid(images, columns).repeat(2, 0).repeat(2, 1) for images in (real, generated)]
    height, width = bands[0].shape[0], bands[0].shape[1]
    label = 30  # px
    figure = new_figure(theme, width / DPI, 2 * (height + label) / DPI)
    for i, (band, text) in enumerate(zip(bands, ("Real", "Generated"), strict=True)):
        bottom = (1 - i) * (height + label)
        figure.figimage(band, xo=0, yo=bottom + height - band.shape[0], origin="upper")
        y = (bottom + height + 9) / (2 * (height + label))
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


def _even(count: int, most: int) -> list[int]:
    return sorted({int(i) for i in np.linspace(0, count - 1, min(count, most)).round()})


def _within(placed: list[float], low: float, high: float, gap: float) -> list[float]:
    for i, x in enumerate(placed):  # from the left inward, then from the right
        placed[i] = max(x, low + i * gap)
    for i, x in enumerate(reversed(placed)):
        placed[-1 - i] = min(x, high - i * gap)
    return placed
