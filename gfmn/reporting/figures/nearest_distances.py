"""The headline run's samples and other real images by distance to the nearest training image."""

from collections.abc import Iterator, Mapping

import numpy as np
from matplotlib.axes import Axes

from gfmn.reporting.figures.drawing import (
    SMALL,
    WIDTH,
    Drawing,
    heading,
    legend,
    new_axes,
    new_figure,
    to_png,
)
from gfmn.reporting.figures.sections import MEMORIZATION
from gfmn.reporting.figures.theme import Theme, run_colors
from gfmn.reporting.formatting import join
from gfmn.reporting.memorization import (
    SPACES,
    Space,
    memorized_score,
    other_real_images,
    own_evaluations,
)
from gfmn.reporting.records import Distances, RunScores
from gfmn.reporting.results import RunResult, Study
from gfmn.reporting.tables.table import Table

MAX_PANELS = 3

Panel = tuple[Space, RunScores, list[Distances]]  # distances by seed


def draw(study: Study, tables: Mapping[str, Table], theme: Theme) -> Iterator[Drawing]:
    """One drawing; none where the run's distances were not measured."""
    run = study.headline
    panels = _panels(study, run)
    if not panels:
        return
    color = theme.tone(run_colors(study)[run.name])
    figure = new_figure(theme, WIDTH, 3.75)
    room = (WIDTH - 0.3) / len(panels)
    descriptions = []
    for i, (space, scores, distances) in enumerate(panels):
        axes = new_axes(figure, theme, (0.62 + i * room, 0.52, room - 0.75, 2.3))
        where = "pixels" if space == "pixel" else scores.evaluator
        key, text = "", ""
        if score := memorized_score(scores, space):
            key, mean = score
            text = f"memorized {mean.value:.2f}"
            text += f" ± {mean.std:.2f}" if mean.std is not None else ""
        heading(axes, theme, f"In {where}: {text}" if text else f"In {where}", key)
        _draw_distances(axes, theme, color, distances)
        axes.set_xlabel(f"distance, {distances[0].unit}", color=theme.muted, fontsize=SMALL)
        descriptions.append(f"in {where} {text or 'not counted'}")
    seeds = max(len(distances) for _, _, distances in panels)
    label = f"generated, {seeds} seeds" if seeds > 1 else "generated"
    legend(figure, theme, [(label, color, "-"), ("other real images", theme.muted, "--")])
    others = other_real_images(study, panels[0][1].dataset, panels[0][1].evaluator)
    yield Drawing(
        name=f"nearest-{run.name}",
        caption=f"Run {run.name}. The fraction of its samples (solid) whose nearest training image "
        f"is within a distance, and that of other real images (dashed; {others}). Where the solid "
        "line is left of the dashed one, samples are nearer to training images than real images "
        "are; copies are at 0. Smooth images are near many others in pixels, so features are shown "
        "too.",
        alt=f"Cumulative curves of distances to the nearest training image: {join(descriptions)}.",
        png=to_png(figure),
        section=MEMORIZATION,
        run=run.name,
    )


def _panels(study: Study, run: RunResult) -> list[Panel]:
    """Pixels once, then each evaluator's features."""
    panels: list[Panel] = []
    for _, scores in own_evaluations(study, run):
        for space in SPACES:
            by_seed = [getattr(seed.nearest, space, None) for seed in scores.seeds]
            distances = [one for one in by_seed if one]
            if distances and not (space == "pixel" and panels):
                panels.append((space, scores, distances))
    return panels[:MAX_PANELS]


def _draw_distances(axes: Axes, theme: Theme, color: str, distances: list[Distances]) -> None:
    percent = np.arange(101)
    axes.plot(distances[0].held_out, percent, color=theme.muted, linewidth=1.5, linestyle="--")
    for one in distances:
        width = 1.6 if len(distances) == 1 else 0.9
        axes.plot(one.generated, percent, color=color, linewidth=width)
    axes.set_xlim(left=0)
    axes.set_ylim(0, 100)
    axes.set_yticks(range(0, 101, 25), [f"{tick} %" for tick in range(0, 101, 25)])
