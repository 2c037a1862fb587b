"""Loss and Fréchet distance along a training, and one by the other (the paper's Figure 5)."""

from collections.abc import Iterator, Mapping

import altair as alt
import pandas as pd

from gfmn.reporting.figures.figure import Figure, color_by, lines
from gfmn.reporting.formatting import format_number
from gfmn.reporting.results import Study
from gfmn.reporting.snapshots import SeedSnapshots, Snapshots
from gfmn.reporting.tables.table import Table


def figures(study: Study, tables: Mapping[str, Table]) -> Iterator[Figure]:
    """A figure for each run and feature space whose snapshots are scored."""
    for name, snapshots in study.snapshots.items():
        first = snapshots.seeds[0]
        yield Figure(
            name=f"loss-distance-{name}",
            section="training",
            caption=_caption(snapshots),
            alt=f"From the first snapshot to the last the loss goes from {first.loss[0]:.3g} to "
            f"{first.loss[-1]:.3g}, {snapshots.score} from {first.distance[0]:.4g} to "
            f"{first.distance[-1]:.4g}.",
            panels=_panels(study, snapshots),
        )


def _panels(study: Study, snapshots: Snapshots) -> tuple[alt.Chart, ...]:
    """Loss by distance, and distance by step; a line or a set of points a seed."""
    frame = pd.concat(
        pd.DataFrame({"step": seed.step, "loss": seed.loss, "distance": seed.distance}).assign(
            run=snapshots.run, seed=seed.seed
        )
        for seed in snapshots.seeds
    )
    color = color_by(study, [snapshots.run], legend=None)
    step = alt.X("step:Q", title="updates", axis=alt.Axis(tickCount=5, grid=False))
    distance = alt.Y("distance:Q", title=f"{snapshots.score} ↓", scale=alt.Scale(zero=False))
    loss = alt.Y("loss:Q", title="loss", scale=alt.Scale(type="log"), axis=alt.Axis(grid=False))
    axis = alt.Axis(tickCount=5, grid=False)
    across = alt.X(
        "distance:Q", title=f"{snapshots.score} ↓", scale=alt.Scale(zero=False), axis=axis
    )
    title = f"{snapshots.run}: {snapshots.title}, {snapshots.evaluator}"
    by_step = lines(frame, step, distance, title, points=True).encode(color=color)
    both = lines(frame, across, loss, "Loss by distance, a point a snapshot")
    both = both.mark_point(filled=True, size=50, opacity=1)
    return by_step, both.encode(color=color, tooltip=["step:Q", "loss:Q", "distance:Q"])


def _caption(snapshots: Snapshots) -> str:
    """What is compared, from how much, and the rank correlation of every seed."""
    seeds = snapshots.seeds
    trainings = "one training, seed" if len(seeds) == 1 else f"{len(seeds)} trainings, seeds"
    return (
        f"Run {snapshots.run}: the loss (equation 1) and {snapshots.score} "
        f"({snapshots.count:,} samples of the same noise against {snapshots.n_reference:,} real "
        f"images) at {len(seeds[0].step)} snapshots of {trainings} "
        f"{', '.join(str(seed.seed) for seed in seeds)}. Spearman’s rank correlation of the two: "
        f"{', '.join(map(_correlation, seeds))}. The paper’s Figure 5 shows samples along the loss."
    )


def _correlation(seed: SeedSnapshots) -> str:
    value = seed.rank_correlation
    return "undefined (one is constant)" if value is None else format_number(value, 2)
