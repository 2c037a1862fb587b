"""Pictures with images in them, for other documents: samples, a strip, the loss with samples."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas

from gfmn.common.images import grid
from gfmn.reporting.figures.figure import run_colors
from gfmn.reporting.images import cut_tiles, grid_columns, real_images, sample_images
from gfmn.reporting.results import RunResult, Study
from gfmn.reporting.tables.frames import positive_losses

DPI = 130
INK = "#6f6c66"  # of text: on white as on near black
STRIP = (18, 3)  # images of the strip: columns, rows of real and of generated ones each
MOMENTS, ACROSS, DOWN = 8, 3, 3  # points of a training, at most; images at each


@dataclass(frozen=True)
class Picture:
    """A drawn picture. `section`: where the page shows it; None: only a file."""

    name: str
    section: str | None
    caption: str
    png: bytes = field(repr=False)


def pictures(study: Study) -> Iterator[Picture]:
    """The headline's strip, and each figure of runs that has images."""
    yield from _strip(study)
    for name, figure in study.config.figures.items():
        if figure.kind == "samples":
            yield from _samples(study, name, figure.title, figure.runs)
        else:
            for run in figure.runs:
                single = len(figure.runs) == 1
                yield from _progress(
                    study, name, study.runs[run], name if single else f"{name}-{run}"
                )


def _strip(study: Study) -> Iterator[Picture]:
    run, (columns, rows) = study.headline, STRIP
    real = real_images(study, run.dataset, rows * columns)
    generated = sample_images(study, run.name, rows * columns)
    if real is None or generated is None:
        return
    canvas = _canvas(9, 9 * 2 * (rows + 1) / columns)
    halves = zip(canvas.subplots(2, 1), (real, generated), ("Real", "Generated"), strict=True)
    for axes, images, label in halves:
        _show(axes, grid(images, columns), label)
    text = f"Real images of {run.dataset} and samples of run {run.name}."
    yield Picture(f"strip-{run.name}", None, text, _png(canvas))


def _samples(study: Study, name: str, title: str, runs: Sequence[str]) -> Iterator[Picture]:
    squares = {}
    for run in runs:
        columns = grid_columns(study.image_size(study.runs[run].dataset))
        images = sample_images(study, run, columns**2)
        if images is not None:
            squares[run] = grid(images, columns)
    if not squares:
        return
    columns = min(len(squares), 3)
    rows = -(-len(squares) // columns)
    canvas = _canvas(3.9 * columns, 4.1 * rows)
    for axes in (places := canvas.subplots(rows, columns, squeeze=False).ravel()):
        axes.set_axis_off()
    for axes, (run, square) in zip(places, squares.items(), strict=False):
        _show(axes, square, f"{run}{study.runs[run].seed_label(study.runs[run].shown_seed.seed)}")
    text = f"{title}: the first samples of the runs {', '.join(squares)}."
    yield Picture(name, None, text, _png(canvas))


def _progress(study: Study, figure: str, run: RunResult, name: str) -> Iterator[Picture]:
    """The loss by step, above it images of the same noise at points of the training."""
    with_both = [seed for seed in run.seeds if seed.grids and seed.history is not None]
    seed = with_both[0] if with_both else None
    if seed is None or seed.history is None or not len(history := positive_losses(seed.history)):
        return
    last = len(seed.grids) - 1
    chosen = sorted({round(i) for i in np.linspace(0, last, min(last + 1, MOMENTS))})
    canvas = _canvas(9.6, 4.2)
    above, below = canvas.subfigures(2, 1, height_ratios=(1, 1.6), squeeze=False).ravel()
    color, size = run_colors(study)[run.name], study.image_size(run.dataset)
    for axes, i in zip(np.atleast_1d(above.subplots(1, len(chosen))), chosen, strict=True):
        step, path = seed.grids[i]
        tiles = cut_tiles(path, size)[:DOWN, :ACROSS]
        _show(axes, grid(tiles.reshape(-1, size, size, 3), tiles.shape[1]), f"{step:,}")
    axes = below.subplots()
    axes.plot(history["step"], history["loss"], color=color, linewidth=1.4)
    steps = [seed.grids[i][0] for i in chosen]
    axes.plot(steps, np.interp(steps, history["step"], history["loss"]), "o", color=color)
    axes.set_yscale("log")
    axes.set_xlabel("updates", color=INK)
    axes.set_ylabel("loss, equation 1", color=INK)
    axes.tick_params(colors=INK, which="both", labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(INK)
    axes.patch.set_alpha(0)
    text = (
        f"Run {run.name}{run.seed_label(seed.seed)}: the loss (equation 1) and images of one noise "
        f"after {', '.join(f'{step:,}' for step in steps)} updates, as in the paper’s Figure 5."
    )
    yield Picture(name, f"figure-{figure}", text, _png(canvas))


def _canvas(width: float, height: float) -> Canvas:
    """An empty figure, in inches, on the Agg canvas and on nothing global."""
    canvas = Canvas(figsize=(width, height), dpi=DPI, layout="constrained", facecolor="none")
    FigureCanvasAgg(canvas)
    return canvas


def _show(axes: Axes, image: np.ndarray, label: str) -> None:
    axes.imshow(image, interpolation="nearest")
    axes.set_title(label, fontsize=9, color=INK, loc="left", pad=4)
    axes.set_axis_off()


def _png(canvas: Canvas) -> bytes:
    """The same bytes for the same picture: no version or date inside."""
    buffer = io.BytesIO()
    canvas.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()
