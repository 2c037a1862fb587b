"""Figures of how near samples lie to training images, beside real images that are none of them."""

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes

from gfmn.reporting.footnotes import join
from gfmn.reporting.records import Distances, RunScores
from gfmn.reporting.results import Evaluation, RunResult, Study
from gfmn.reporting.style import (
    SMALL,
    WIDTH,
    Drawing,
    Theme,
    above_axes,
    heading,
    legend,
    new_axes,
    new_figure,
    run_colours,
    to_png,
)
from gfmn.reporting.summary import Summary, summaries

PIXEL = "memorised_pixel_"
PANELS = 3  # at most


def evaluations(study: Study, run: RunResult) -> Iterator[tuple[Evaluation, RunScores]]:
    """A run's scores against the images that it was trained on, in the order of the spaces."""
    for evaluator in study.evaluators:
        one = run.evaluation(evaluator)
        if one and one.scores and one.dataset == run.parameters.get("dataset"):
            yield one, one.scores


def memorised(scores: RunScores, space: str) -> tuple[str, Summary] | None:
    """The score and its name, in `space`: pixel, or feature for the evaluator's own."""
    begins = PIXEL if space == "pixel" else f"memorised_{scores.evaluator}_"
    found = [item for item in summaries(scores).items() if item[0].startswith(begins)]
    return found[0] if found else None


def others(study: Study, dataset: str, evaluator: str) -> str:
    """The other real images that samples are compared with, in words."""
    real = study.real.get((dataset, evaluator))
    if real is None:
        return "none of them compared with itself"
    if real.held_out.dataset == dataset:
        return f"of the data set {dataset}, each left out of its own search"
    return f"of the data set {real.held_out.dataset}, held out of training"


def nearest_distances(study: Study, theme: Theme) -> Drawing | None:
    """The headline run's samples and other real images by distance to the training images."""
    run = study.headline
    panels: list[tuple[str, RunScores, list[Distances]]] = []
    for _, scores in evaluations(study, run):
        for space in ("pixel", "feature"):
            found = [getattr(seed.nearest, space, None) for seed in scores.seeds]
            distances = [one for one in found if one]
            if distances and not (space == "pixel" and panels):
                panels.append((space, scores, distances))
    panels = panels[:PANELS]
    if not panels:
        return None
    colour = theme.tone(run_colours(study)[run.name])
    figure = new_figure(theme, WIDTH, 3.75)
    room = (WIDTH - 0.3) / len(panels)
    words = []
    for i, (space, scores, distances) in enumerate(panels):
        axes = new_axes(figure, theme, (0.62 + i * room, 0.52, room - 0.75, 2.3))
        where = "pixels" if space == "pixel" else scores.evaluator
        key, score = memorised(scores, space) or ("", None)
        text = f"memorised {_value(score)}" if score else ""
        heading(axes, theme, f"In {where}: {text}" if text else f"In {where}", key)
        _curves(axes, theme, colour, distances)
        axes.set_xlabel(f"distance, {distances[0].unit}", color=theme.muted, fontsize=SMALL)
        words.append(f"in {where} {text or 'not counted'}")
    n = max(len(distances) for _, _, distances in panels)
    seeds = f"generated, {n} seeds" if n > 1 else "generated"
    legend(figure, theme, [(seeds, colour, "-"), ("other real images", theme.muted, "--")])
    beside = others(study, panels[0][1].dataset, panels[0][1].evaluator)
    return Drawing(
        name=f"nearest-{run.name}",
        kind="nearest",
        table=None,
        caption=f"Run {run.name}. The share of its samples (solid) whose nearest training image is "
        f"within a distance, beside that of other real images (dashed; {beside}). Where the solid "
        "line is left of the dashed one, samples lie nearer to training images than real images "
        "do; copies lie at 0. Smooth images are near many others in pixels, so features are shown "
        "beside them.",
        alt=f"Cumulative curves of distances to the nearest training image: {join(words)}.",
        png=to_png(figure),
    )


def memorised_by_run(study: Study, theme: Theme) -> Drawing | None:
    """The memorised probability of every run that has one, around that of real images."""
    rows: dict[str, dict[str, Summary]] = {}
    for run in study.runs.values():
        for _, scores in evaluations(study, run):
            for where, space in (("pixels", "pixel"), (scores.evaluator, "feature")):
                if found := memorised(scores, space):
                    rows.setdefault(run.name, {}).setdefault(where, found[1])
    if not rows:
        return None
    spaces = list(dict.fromkeys(where for row in rows.values() for where in row))
    spaces = [where for where in ("pixels", *study.evaluators) if where in spaces]
    colours = run_colours(study)
    height = 0.26 * len(rows) + 0.2
    figure = new_figure(theme, WIDTH, height + 1.2)
    axes = new_axes(figure, theme, (1.5, 0.52, WIDTH - 1.9, height))
    axes.axvline(0.5, color=theme.muted, linewidth=1)
    marks = dict(zip(spaces, ("o", "D", "s", "^", "v"), strict=False))
    for y, (name, row) in enumerate(rows.items()):
        for where, score in row.items():
            if where not in marks:
                continue
            colour = theme.tone(colours[name])
            face = theme.paper if where == "pixels" else colour
            if score.seeds > 1:
                axes.errorbar(
                    score.value, y, xerr=score.std, fmt="none", ecolor=colour, elinewidth=1
                )
            axes.plot(
                score.value,
                y,
                marks[where],
                color=colour,
                markerfacecolor=face,
                markersize=5.5,
                clip_on=False,
                zorder=3,
            )
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.tick_params(axis="y", colors=theme.ink)
    axes.set_xlabel(
        "probability that a sample lies nearer to the training images than a real image does",
        color=theme.muted,
        fontsize=SMALL,
    )
    above_axes(axes, "real images: 0.5", 5, x=0.5, ha="center", color=theme.muted, fontsize=SMALL)
    above_axes(axes, "copies: 1", 5, x=1, ha="right", color=theme.muted, fontsize=SMALL)
    above_axes(axes, "far from all: 0", 5, x=0, color=theme.muted, fontsize=SMALL)
    shapes = [(f"in {where}", theme.ink, marks[where]) for where in spaces if where in marks]
    legend(figure, theme, shapes, hollow=("o",))
    several = any(score.seeds > 1 for row in rows.values() for score in row.values())
    bars = " Bars: standard deviation (n − 1) over seeds." if several else ""
    listed = [f"{name} {_listed(row)}" for name, row in rows.items()]
    return Drawing(
        name="memorised",
        kind="memorised",
        table=None,
        caption="Each run’s memorised probability, in pixels (hollow) and in features (filled). "
        "Real images have 0.5; near 1 samples are copies, near 0 they lie farther from every "
        f"training image than real images do.{bars}",
        alt=f"Memorised probabilities: {'; '.join(listed)}.",
        png=to_png(figure),
    )


def _curves(axes: Axes, theme: Theme, colour: str, distances: list[Distances]) -> None:
    shares = np.arange(101)
    axes.plot(distances[0].held_out, shares, color=theme.muted, linewidth=1.5, linestyle="--")
    for found in distances:
        width = 1.6 if len(distances) == 1 else 0.9
        axes.plot(found.generated, shares, color=colour, linewidth=width)
    axes.set_xlim(left=0)
    axes.set_ylim(0, 100)
    axes.set_yticks(range(0, 101, 25), [f"{share} %" for share in range(0, 101, 25)])


def _value(score: Summary) -> str:
    std = f" ± {score.std:.2f}" if score.std is not None else ""
    return f"{score.value:.2f}{std}"


def _listed(row: dict[str, Summary]) -> str:
    return ", ".join(f"{score.value:.2f} in {where}" for where, score in row.items())
