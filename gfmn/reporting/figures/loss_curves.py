"""The loss curves of each table's runs."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from gfmn.reporting.figures.drawing import (
    SMALL,
    WIDTH,
    Drawing,
    heading,
    label_ends,
    log_scale,
    new_axes,
    new_figure,
    positive_losses,
    to_png,
)
from gfmn.reporting.figures.sections import TRAINING
from gfmn.reporting.figures.theme import Theme, run_colors
from gfmn.reporting.results import RunResult, Study
from gfmn.reporting.tables.convergence import convergence_note
from gfmn.reporting.tables.table import Table

RELATIVE = (
    "The runs match different features, so each curve is divided by its own first value: shapes "
    "compare, heights do not."
)
ABSOLUTE = (
    "All runs match the same features of the same data, so the losses themselves compare: lower is "
    "closer."
)


def draw(study: Study, tables: Mapping[str, Table], theme: Theme) -> Iterator[Drawing]:
    """A drawing for each table whose runs have a loss."""
    for name in tables:
        curves = {run: _histories(study.runs[run]) for run in study.config.tables[name].rows}
        curves = {run: histories for run, histories in curves.items() if histories}
        if curves:
            yield _draw_table(study, theme, name, curves)


def _histories(run: RunResult) -> list[pd.DataFrame]:
    histories = (seed.history for seed in run.seeds if seed.history is not None)
    return [usable for history in histories if len(usable := positive_losses(history))]


def _draw_table(
    study: Study, theme: Theme, table: str, curves: Mapping[str, list[pd.DataFrame]]
) -> Drawing:
    """One line a seed; relative to its start where the runs match different features."""
    relative = len({study.runs[run].matched for run in curves}) > 1
    figure = new_figure(theme, WIDTH, 3.5)
    axes = new_axes(figure, theme, (0.62, 0.5, WIDTH - 2.2, 2.4))
    log_scale(axes)
    colors, ends = run_colors(study), []
    for run, histories in curves.items():
        width = 1.5 if len(histories) == 1 else 0.8
        last = []
        for history in histories:
            values = history["loss"] / (history["loss"].iloc[0] if relative else 1)
            axes.plot(history["step"], values, color=theme.tone(colors[run]), linewidth=width)
            last.append(float(values.iloc[-1]))
        ends.append((float(np.median(last)), run, colors[run]))
    axes.set_xlabel("step", color=theme.muted, fontsize=SMALL)
    unit = "loss as a fraction of its first value" if relative else "loss, equation 1"
    heading(axes, theme, study.config.tables[table].title, f"{unit}, logarithmic axis")
    label_ends(axes, theme, ends)
    caption = RELATIVE if relative else ABSOLUTE
    if any(len(histories) > 1 for histories in curves.values()):
        caption += " Thin lines of one color are the seeds of one run."
    caption += f" {convergence_note(study, curves)}"
    return Drawing(
        name=f"loss-{table}",
        caption=caption,
        alt=f"Loss curves of the runs {', '.join(curves)}.",
        png=to_png(figure),
        section=TRAINING,
    )
