"""How near samples are to training images, compared with other real images."""

from collections.abc import Iterator, Mapping
from typing import Any

import altair as alt
import pandas as pd

from gfmn.reporting.figures.figure import (
    NEUTRAL,
    Figure,
    joined,
    lines,
    points,
    run_colors,
)
from gfmn.reporting.records import RunScores
from gfmn.reporting.results import Study
from gfmn.reporting.tables.table import Table

SPACES = ("pixel", "feature")  # in which distances are taken
OTHERS = "other real images"
HEADING = "Are samples copies of training images?"


def figures(study: Study, tables: Mapping[str, Table]) -> Iterator[Figure]:
    """The probability of each run, and the headline's distances, where they were measured."""
    yield from _probabilities(study)
    yield from _distances(study)


def _probabilities(study: Study) -> Iterator[Figure]:
    rows = []
    for run in study.runs.values():
        for _, scores in run.own_scores(study.evaluators):
            for space in SPACES:
                if (score := memorized_score(scores, space)) is not None:
                    where = "pixels" if space == "pixel" else scores.evaluator
                    std = score["std"] if score["seeds"] > 1 else None
                    rows.append((where, run.name, score["value"], std))
    frame = pd.DataFrame(rows, columns=["where", "run", "value", "std"])
    frame = frame.drop_duplicates(["where", "run"])
    frame = frame.assign(text=frame["value"].map("{:.2f}".format), own=False)
    panels = [
        points(study, one, f"In {where}", "memorized probability", 0.5, (0, 1))
        for where, one in frame.groupby("where", sort=False)
    ]
    if panels:
        texts = frame["run"] + " in " + frame["where"]
        yield Figure(
            name="memorized",
            section="memorization",
            heading=HEADING,
            caption="The probability that a sample is nearer to the training images than another "
            "real image is. Real images have 0.5 (dashed); near 1 samples are copies, near 0 they "
            "are farther from every training image than real images are, which is no merit.",
            alt=f"Memorized probabilities: {joined(dict(zip(texts, frame['text'], strict=True)))}.",
            panels=tuple(panels),
        )


def _distances(study: Study) -> Iterator[Figure]:
    """The fractions of the headline's samples and of other real images within a distance."""
    run, panels, of = study.headline, {}, None
    for _, scores in run.own_scores(study.evaluators):
        for space in SPACES:
            found = [(s.seed, getattr(s.nearest, space, None)) for s in scores.seeds]
            curves = [(seed, distances) for seed, distances in found if distances]
            where = "pixels" if space == "pixel" else scores.evaluator
            if not curves or where in panels:
                continue
            of = of or scores
            frames = [_curve(distances.generated, run.name, seed) for seed, distances in curves]
            frames.append(_curve(curves[0][1].held_out, OTHERS, None))
            colors = [run_colors(study)[run.name], NEUTRAL]
            scale = alt.Scale(domain=[run.name, OTHERS], range=colors)
            x = alt.X("distance:Q", title=f"distance, {curves[0][1].unit}")
            y = alt.Y("fraction:Q", title=None, axis=alt.Axis(format="%", tickCount=5))
            chart = lines(pd.concat(frames), x, y, f"In {where}")
            legend = alt.Legend(orient="bottom", columns=2)
            panels[where] = chart.encode(
                color=alt.Color("run:N", scale=scale, legend=legend, title=None)
            )
    if of:
        others = other_real_images(study, of.dataset, of.evaluator)
        yield Figure(
            name=f"nearest-{run.name}",
            section="memorization",
            heading=HEADING,
            caption=f"Run {run.name}: the fraction of its samples whose nearest training image is "
            f"within a distance, and that of other real images ({others}). Left of them, samples "
            "are nearer to training images than real images are; copies are at 0. Smooth images "
            "are near many others in pixels, so features are shown too.",
            alt=f"Cumulative curves of distances to the nearest training image in "
            f"{' and in '.join(panels)}.",
            panels=tuple(panels.values()),
        )


def _curve(percentiles: tuple[float, ...], run: str, seed: int | None) -> pd.DataFrame:
    fractions = [i / (len(percentiles) - 1) for i in range(len(percentiles))]
    frame = pd.DataFrame({"distance": percentiles, "fraction": fractions})
    return frame.assign(run=run, seed=str(seed))


def memorized_score(scores: RunScores, space: str) -> "pd.Series[Any] | None":
    """The memorized probability, a row of means, in pixels or in the evaluator's features."""
    start = "memorised_pixel_" if space == "pixel" else f"memorised_{scores.evaluator}_"
    found = scores.means[scores.means.index.str.startswith(start)]
    return found.iloc[0] if len(found) else None


def other_real_images(study: Study, dataset: str, evaluator: str) -> str:
    """Which real images, other than the training images, samples are compared with."""
    real = study.real.get((dataset, evaluator))
    if real is None:
        return "none of them compared with itself"
    if real.held_out.dataset == dataset:
        return f"of the data set {dataset}, each left out of its own search"
    return f"of the data set {real.held_out.dataset}, held out of training"
