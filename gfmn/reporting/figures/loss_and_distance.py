"""Loss and Fréchet distance along a training, and one by the other (the paper's Figure 5)."""

from collections.abc import Iterator, Mapping

from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from gfmn.reporting.figures.drawing import (
    SMALL,
    WIDTH,
    Drawing,
    heading,
    log_scale,
    new_axes,
    new_figure,
    to_png,
)
from gfmn.reporting.figures.sections import TRAINING
from gfmn.reporting.figures.theme import Theme, run_colors
from gfmn.reporting.formatting import format_number
from gfmn.reporting.results import Study
from gfmn.reporting.snapshots import SeedSnapshots, Snapshots
from gfmn.reporting.tables.table import Table


def draw(study: Study, tables: Mapping[str, Table], theme: Theme) -> Iterator[Drawing]:
    """A drawing for each run and feature space whose snapshots are scored."""
    for name, snapshots in study.snapshots.items():
        first = snapshots.seeds[0]
        yield Drawing(
            name=f"loss-distance-{name}",
            caption=_caption(snapshots),
            alt=f"From the first snapshot to the last the loss goes from {first.loss[0]:.3g} to "
            f"{first.loss[-1]:.3g}, {snapshots.score} from {first.distance[0]:.4g} to "
            f"{first.distance[-1]:.4g}.",
            png=_png(study, theme, snapshots),
            section=TRAINING,
            run=snapshots.run,
        )


def _png(study: Study, theme: Theme, snapshots: Snapshots) -> bytes:
    """Loss by step, distance by step, loss by distance; a line or a set of points a seed."""
    figure = new_figure(theme, WIDTH, 3.4)
    loss, distance, both = (
        new_axes(figure, theme, (0.62 + 3.1 * i, 0.5, 2.4, 2.2)) for i in range(3)
    )
    color = theme.tone(run_colors(study)[snapshots.run])
    for seed in snapshots.seeds:
        loss.plot(seed.step, seed.loss, "o-", color=color, linewidth=1.2, markersize=3.2)
        distance.plot(seed.step, seed.distance, "o-", color=color, linewidth=1.2, markersize=3.2)
        both.plot(seed.distance, seed.loss, "o", color=color, markersize=4)
    title = f"{snapshots.title}, {snapshots.evaluator}"
    heading(loss, theme, "Loss", "equation 1, logarithmic axis")
    heading(distance, theme, title, snapshots.score)
    heading(both, theme, "Loss by distance", "a point a snapshot, logarithmic axis")
    for axes, label in ((loss, "step"), (distance, "step"), (both, snapshots.score)):
        axes.set_xlabel(label, color=theme.muted, fontsize=SMALL)
        axes.xaxis.set_major_locator(MaxNLocator(4))
    distance.yaxis.set_major_formatter(StrMethodFormatter("{x:,.6g}"))
    log_scale(loss)
    log_scale(both)
    return to_png(figure)


def _caption(snapshots: Snapshots) -> str:
    """What is compared, from how much, and the rank correlation of every seed."""
    seeds = snapshots.seeds
    one = len(seeds) == 1
    trainings = "one training, seed" if one else f"each of {len(seeds)} trainings, seeds"
    values = ", ".join(_correlation(seed) for seed in seeds)
    return (
        f"Run {snapshots.run}: the loss (equation 1) and {snapshots.score} "
        f"({snapshots.count:,} samples of the same noise against {snapshots.n_reference:,} real "
        f"images) at {len(seeds[0].step)} snapshots of {trainings} "
        f"{', '.join(str(seed.seed) for seed in seeds)}. Spearman’s rank correlation of the two: "
        f"{values}. The paper’s Figure 5 shows samples along the loss; here their distance to real "
        "images is measured."
    )


def _correlation(seed: SeedSnapshots) -> str:
    value = seed.rank_correlation
    return "undefined (one is constant)" if value is None else format_number(value, 2)
