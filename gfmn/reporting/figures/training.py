"""Gap and loss along every training, its scored snapshots, and what is not matched after it."""

from collections.abc import Iterator, Mapping

import altair as alt
import numpy as np
import pandas as pd

from gfmn.reporting.figures.figure import (
    HEIGHT,
    PANEL,
    Figure,
    Panel,
    color_by,
    heading,
    lines,
    pick_runs,
)
from gfmn.reporting.formatting import format_number
from gfmn.reporting.records import Snapshots
from gfmn.reporting.results import Study
from gfmn.reporting.tables.frames import positive_losses
from gfmn.reporting.tables.table import Table

POINTS = 160  # of a curve, at most
PANELS = (
    ("gap", "Gap", "~g"),
    ("loss", "Loss (equation 1)", "~s"),
    ("diversity", "Diversity of samples", "~g"),
)
MOMENTS = {"mean_gap": "means", "std_gap": "standard deviations"}
STEPS = alt.X("step:Q", title="updates", axis=alt.Axis(tickCount=5, grid=False))


def figures(study: Study, tables: Mapping[str, Table]) -> Iterator[Figure]:
    """The curves of all runs, of each run with scored snapshots their loss and distance, gaps."""
    frame = histories(study)
    if len(frame):
        yield _training(study, frame)
    for name, snapshots in study.snapshots.items():
        yield _loss_and_distance(study, name, snapshots)
    yield from _gaps(study)


def _training(study: Study, frame: pd.DataFrame) -> Figure:
    text = ""
    if "gap" in frame and bool((frame["gap"] > 0).any()):
        text += (
            " Gap: root mean square over all features of the differences of means and deviations, "
            "in real standard deviations; 0 is real."
        )
    if "diversity" in frame:
        text += (
            " Diversity: how much samples of one minibatch differ, as a share of how much real "
            "images do; losses of baselines do not compare, and are in the histories alone."
        )
    losses = frame.dropna(subset="loss") if "loss" in frame else frame.assign(loss=0.0)[:0]
    ends = losses.groupby("run", sort=False)["loss"].agg(["first", "last"])
    values = "; ".join(f"{run} {a:.3g} to {b:.3g}" for run, a, b in ends.itertuples())
    return Figure(
        name="training",
        section="training",
        caption=f"A line a run and seed, logarithmic axes.{text} Losses "
        "compare between runs of the same network and taps. A click on a name picks it, with shift "
        "several.",
        alt=f"Loss from the first point to the last: {values}.",
        panels=tuple(curves(study, frame)),
    )


def curves(study: Study, frame: pd.DataFrame) -> list[alt.Chart]:
    """Gap and loss by update, and baselines' diversity, of a frame as `histories` has it."""
    runs = list(dict.fromkeys(frame["run"])) if len(frame) else []
    scale, panels = alt.Scale(type="log", nice=False), []
    for column, title, form in PANELS:
        rows = frame[frame[column] > 0] if column in frame else frame[:0]
        if len(rows):
            axis = alt.Axis(format=form, tickCount=5)
            y = alt.Y(f"{column}:Q", scale=scale, axis=axis, title=column)
            panels.append(pick_runs(lines(rows, STEPS, y, title), study, runs, column))
    return panels


def histories(study: Study, runs: list[str] | None = None) -> pd.DataFrame:
    """Every history thinned, with columns run and seed; what no logarithm shows is left out."""
    frames = []
    for run in study.runs.values() if runs is None else [study.runs[name] for name in runs]:
        for seed in run.seeds:
            if seed.history is None:
                continue
            is_baseline = "diversity" in seed.history
            shown = seed.history if is_baseline else positive_losses(seed.history)
            chosen = np.linspace(0, len(shown) - 1, min(len(shown), POINTS)).round()
            keys = ("step", "diversity") if is_baseline else ("step", "loss", "gap")
            columns = [key for key in keys if key in shown]
            rows = shown[columns].iloc[np.unique(chosen).astype(int)]
            frames.append(rows.assign(run=run.name, seed=seed.seed))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _loss_and_distance(study: Study, name: str, snapshots: Snapshots) -> Figure:
    """Distance by step, and loss by distance: a line or a set of points a seed."""
    seeds, score = snapshots.seeds, f"{snapshots.score} ↓"
    frame = snapshots.rows.drop(columns="count").assign(run=snapshots.run)
    first = frame[frame["seed"] == seeds[0].seed]
    (loss, last_loss), (distance, last) = (first[key].iloc[[0, -1]] for key in ("loss", "distance"))
    correlations = [
        "undefined (one is constant)" if one is None else format_number(one, 2)
        for one in (seed.rank_correlation for seed in seeds)
    ]
    color, zero = color_by(study, [snapshots.run], legend=None), alt.Scale(zero=False)
    axis = alt.Axis(tickCount=5, grid=False)
    title = f"{snapshots.run}: {snapshots.title}, {snapshots.evaluator}"
    by_step = lines(
        frame, STEPS, alt.Y("distance:Q", title=score, scale=zero), title, points=True
    ).encode(color=color)
    both = lines(
        frame,
        alt.X("distance:Q", title=score, scale=zero, axis=axis),
        alt.Y("loss:Q", title="loss", scale=alt.Scale(type="log"), axis=alt.Axis(grid=False)),
        "Loss by distance, a point a snapshot",
    ).mark_point(filled=True, size=50, opacity=1)
    trainings = "one training, seed" if len(seeds) == 1 else f"{len(seeds)} trainings, seeds"
    return Figure(
        name=f"loss-distance-{name}",
        section="training",
        caption=f"Run {snapshots.run}: the loss (equation 1) and {snapshots.score} "
        f"({snapshots.rows['count'].iloc[0]:,} samples of the same noise against "
        f"{snapshots.n_reference:,} real images) at {frame['step'].nunique()} snapshots of "
        f"{trainings} {', '.join(str(seed.seed) for seed in seeds)}. Spearman’s rank correlation "
        f"of the two: {', '.join(correlations)}. The paper’s Figure 5 shows samples along the "
        "loss.",
        alt=f"From the first snapshot to the last the loss goes from {loss:.3g} to "
        f"{last_loss:.3g}, {snapshots.score} from {distance:.4g} to {last:.4g}.",
        panels=(by_step, both.encode(color=color, tooltip=["step:Q", "loss:Q", "distance:Q"])),
    )


def _gaps(study: Study) -> Iterator[Figure]:
    """Each tap's gaps of moments, two panels an extractor; none where no run recorded them."""
    frame = tap_gaps(study)
    if frame.empty:
        return
    panels: list[Panel] = []
    for extractor, rows in frame.groupby("extractor", sort=False):
        taps, runs = list(dict.fromkeys(rows["tap"])), list(dict.fromkeys(rows["run"]))
        for column, moments in MOMENTS.items():
            axis = alt.Axis(labelLimit=90, labelOverlap=True, labelAngle=-60, grid=False)
            chart = alt.Chart(rows, title=heading(f"{extractor}: gap of the {moments}"))
            chart = chart.mark_line(point=True, strokeWidth=1.3).encode(
                x=alt.X("tap:N", sort=taps, title=None, axis=axis),
                y=alt.Y(f"{column}:Q", title=None, axis=alt.Axis(tickCount=4)),
                tooltip=["run:N", "tap:N", alt.Tooltip(f"{column}:Q", format=".3f")],
            )
            chart = pick_runs(chart, study, runs, f"{len(panels)}")
            panels.append(chart.properties(width=PANEL, height=HEIGHT * 0.75))
    yield Figure(
        name="gaps",
        section="gaps",
        heading="What is not matched after training",
        caption="Per tap, from the first matched layer to the last: root-mean-square difference of "
        "the real and the generated features’ means and standard deviations after training, in "
        "units of the real standard deviation, the mean over a run’s seeds; 0 is a perfect match.",
        alt=f"Lines of per-tap gaps for the runs {', '.join(dict.fromkeys(frame['run']))}.",
        panels=tuple(panels),
    )


def tap_gaps(study: Study) -> pd.DataFrame:
    """A row a run and tap: extractor, mean_gap, std_gap, means over the seeds that are trained."""
    rows = [
        {"extractor": str(run.parameters.get("extractor")), "run": run.name} | gap.model_dump()
        for run in study.runs.values()
        for seed in run.seeds
        if seed.model
        for gap in seed.model.gaps
    ]
    if not rows:
        return pd.DataFrame()
    keys = ["extractor", "run", "tap"]
    means = pd.DataFrame(rows).groupby(keys, sort=False, as_index=False).mean()
    depth = means.groupby(["extractor", "run"])["tap"].transform("count")
    return means.assign(depth=-depth).sort_values(["extractor", "depth"], kind="stable")
