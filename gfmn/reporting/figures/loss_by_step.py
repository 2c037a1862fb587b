"""The headline run's loss by step with samples of one noise, as the paper's Figure 5."""

from collections.abc import Iterator, Mapping

import pandas as pd

from gfmn.reporting.figures.drawing import Drawing
from gfmn.reporting.figures.loss_with_images import Curve, alt_text, draw_curve, seed_with_grids
from gfmn.reporting.figures.sections import TRAINING
from gfmn.reporting.figures.theme import Theme
from gfmn.reporting.results import Study
from gfmn.reporting.tables.table import Table


def draw(study: Study, tables: Mapping[str, Table], theme: Theme) -> Iterator[Drawing]:
    """One drawing; none where a figure of the report shows the run's loss by epoch."""
    run = study.headline
    figures = study.config.figures.values()
    if any(figure.kind == "progress" and run.name in figure.runs for figure in figures):
        return
    if (chosen := seed_with_grids(run)) is None:
        return
    seed, history = chosen
    curve = Curve(
        loss=pd.DataFrame({"x": history["step"], "loss": history["loss"]}),
        x_label="step",
        grid_x=[float(step) for step, _ in seed.grids],
        grid_labels=[f"step {step:,}" for step, _ in seed.grids],
    )
    png, labels = draw_curve(study, theme, run, seed, curve)
    yield Drawing(
        name=f"loss-samples-{run.name}",
        caption=f"Run {run.name}{run.seed_label(seed.seed)}: the loss (equation 1) "
        "by step, and images of the same noise vectors at steps "
        f"{', '.join(label.removeprefix('step ') for label in labels)} (as the paper’s Figure 5).",
        alt=alt_text(curve),
        png=png,
        section=TRAINING,
        run=run.name,
        has_images=True,
    )
