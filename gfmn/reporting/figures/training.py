"""Gap and loss along every training."""

from collections.abc import Iterator, Mapping

import altair as alt
import numpy as np
import pandas as pd

from gfmn.reporting.figures.figure import Figure, lines, pick_runs
from gfmn.reporting.results import Study
from gfmn.reporting.tables.table import Table

POINTS = 160  # of a curve, at most
PANELS = (
    ("gap", "Gap", "~g"),
    ("loss", "Loss (equation 1)", "~s"),
    ("diversity", "Diversity of samples", "~g"),
)


def figures(study: Study, tables: Mapping[str, Table]) -> Iterator[Figure]:
    """One figure; none without a history."""
    frame = histories(study)
    if frame.empty:
        return
    with_gap = "gap" in frame and bool((frame["gap"] > 0).any())
    text = (
        " Gap: root mean square over all features of the differences of means and deviations, in "
        "real standard deviations; 0 is real."
        if with_gap
        else ""
    )
    losses = frame.dropna(subset="loss") if "loss" in frame else frame.assign(loss=0.0)[:0]
    ends = losses.groupby("run", sort=False)["loss"].agg(["first", "last"])
    values = "; ".join(f"{run} {a:.3g} to {b:.3g}" for run, (a, b) in ends.iterrows())
    if "diversity" in frame:
        text += (
            " Diversity: how much samples of one minibatch differ, as a share of how much real "
            "images do; losses of baselines do not compare, and are in the histories alone."
        )
    yield Figure(
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
    scale = alt.Scale(type="log", nice=False)
    x = alt.X("step:Q", title="updates", axis=alt.Axis(tickCount=5, grid=False))
    panels = []
    for column, title, form in PANELS:
        rows = frame[frame[column] > 0] if column in frame else frame[:0]
        if len(rows):
            axis = alt.Axis(format=form, tickCount=5)
            y = alt.Y(f"{column}:Q", scale=scale, axis=axis, title=column)
            panels.append(pick_runs(lines(rows, x, y, title), study, runs, column))
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
            chosen = np.unique(np.linspace(0, len(shown) - 1, min(len(shown), POINTS)).round())
            rows = shown.iloc[chosen.astype(int)] if len(shown) else shown
            keys = ("step", "diversity") if is_baseline else ("step", "loss", "gap")
            columns = [key for key in keys if key in rows]
            frames.append(rows[columns].assign(run=run.name, seed=seed.seed))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def positive_losses(history: pd.DataFrame) -> pd.DataFrame:
    """The rows whose loss a logarithmic axis can show."""
    usable = np.isfinite(history["loss"]) & (history["loss"] > 0)
    return pd.DataFrame(history.loc[usable])
