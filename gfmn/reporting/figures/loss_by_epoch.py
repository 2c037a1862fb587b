"""The loss by epoch with samples of one noise, for each run of a figure of the kind `progress`."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from gfmn.reporting.figures.drawing import Drawing
from gfmn.reporting.figures.loss_with_images import Curve, alt_text, draw_curve, seed_with_grids
from gfmn.reporting.figures.sections import figure_section
from gfmn.reporting.figures.theme import Theme
from gfmn.reporting.results import RunResult, Study
from gfmn.reporting.tables.table import Table


def draw(study: Study, tables: Mapping[str, Table], theme: Theme) -> Iterator[Drawing]:
    """A drawing for each run of such a figure that has a history and grids."""
    for name, figure in study.config.figures.items():
        for run in figure.runs if figure.kind == "progress" else ():
            file_name = name if len(figure.runs) == 1 else f"{name}-{run}"
            yield from _draw_run(study, theme, study.runs[run], name, file_name)


def _draw_run(
    study: Study, theme: Theme, run: RunResult, figure: str, file_name: str
) -> Iterator[Drawing]:
    """The run's loss by epoch, or by images where the data set's size is not known."""
    if (chosen := seed_with_grids(run)) is None:
        return
    seed, history = chosen
    count = study.datasets.get(run.dataset, {}).get("count")
    if count is None:
        x, unit, units, note = history["images"], "images", "images", ""
    else:
        x, unit, units = epochs(history["images"], int(count)), "epoch", "epochs"
        note = f" An epoch is the {int(count):,} images of {run.dataset}."
    grid_x = np.interp([step for step, _ in seed.grids], [0, *history["step"]], [0, *x])
    curve = Curve(
        loss=pd.DataFrame({"x": x, "loss": history["loss"]}),
        x_label=units,
        grid_x=grid_x.tolist(),
        grid_labels=[f"{unit} {_short(value)}" for value in grid_x.tolist()],
    )
    png, labels = draw_curve(study, theme, run, seed, curve)
    yield Drawing(
        name=file_name,
        caption=f"Run {run.name}{run.seed_label(seed.seed)}: the loss (equation 1) "
        f"by {unit}, and images of the same noise vectors at {unit} "
        f"{', '.join(label.removeprefix(f'{unit} ') for label in labels)}.{note}",
        alt=alt_text(curve),
        png=png,
        section=figure_section(figure),
        run=run.name,
        has_images=True,
    )


def epochs(images: "pd.Series[float]", count: int) -> "pd.Series[float]":
    """Images seen as epochs of a data set of `count` images."""
    return images / count


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == round(value) else f"{value:.3g}"
