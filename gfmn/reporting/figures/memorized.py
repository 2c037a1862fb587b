"""The memorized probability of every run that has one, around that of real images."""

from collections.abc import Iterator, Mapping

from matplotlib.axes import Axes

from gfmn.reporting.figures.drawing import (
    SMALL,
    WIDTH,
    Drawing,
    above_axes,
    legend,
    new_axes,
    new_figure,
    to_png,
)
from gfmn.reporting.figures.sections import MEMORIZATION
from gfmn.reporting.figures.theme import Theme, run_colors
from gfmn.reporting.memorization import SPACES, memorized_score, own_evaluations
from gfmn.reporting.results import Study
from gfmn.reporting.score_means import ScoreMean
from gfmn.reporting.tables.table import Table

MARKERS = ("o", "D", "s", "^", "v")  # pixels first, then evaluators

Rows = dict[str, dict[str, ScoreMean]]  # by run; by "pixels" or evaluator


def draw(study: Study, tables: Mapping[str, Table], theme: Theme) -> Iterator[Drawing]:
    """One drawing; none where no run has the score."""
    rows = _rows(study)
    if not rows:
        return
    spaces = {space for row in rows.values() for space in row}
    order = [space for space in ("pixels", *study.evaluators) if space in spaces]
    markers = dict(zip(order, MARKERS, strict=False))
    height = 0.26 * len(rows) + 0.2
    figure = new_figure(theme, WIDTH, height + 1.2)
    axes = new_axes(figure, theme, (1.5, 0.52, WIDTH - 1.9, height))
    axes.axvline(0.5, color=theme.muted, linewidth=1)
    colors = run_colors(study)
    for y, (run, row) in enumerate(rows.items()):
        for space, score in row.items():
            if marker := markers.get(space):
                _draw_score(axes, theme, theme.tone(colors[run]), marker, score, y)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.tick_params(axis="y", colors=theme.ink)
    label = "probability that a sample is nearer to the training images than a real image is"
    axes.set_xlabel(label, color=theme.muted, fontsize=SMALL)
    above_axes(axes, "real images: 0.5", 5, x=0.5, ha="center", color=theme.muted, fontsize=SMALL)
    above_axes(axes, "copies: 1", 5, x=1, ha="right", color=theme.muted, fontsize=SMALL)
    above_axes(axes, "far from all: 0", 5, x=0, color=theme.muted, fontsize=SMALL)
    entries = [(f"in {space}", theme.ink, marker) for space, marker in markers.items()]
    legend(figure, theme, entries, hollow=MARKERS[:1] if "pixels" in markers else ())
    several = any(score.seeds > 1 for row in rows.values() for score in row.values())
    bars = " Bars: standard deviation (n − 1) over seeds." if several else ""
    values = [
        f"{run} {', '.join(f'{score.value:.2f} in {space}' for space, score in row.items())}"
        for run, row in rows.items()
    ]
    yield Drawing(
        name="memorised",
        caption="Each run’s memorized probability, in pixels (hollow) and in features (filled). "
        "Real images have 0.5; near 1 samples are copies, near 0 they are farther from every "
        f"training image than real images are.{bars}",
        alt=f"Memorized probabilities: {'; '.join(values)}.",
        png=to_png(figure),
        section=MEMORIZATION,
    )


def _rows(study: Study) -> Rows:
    rows: Rows = {}
    for run in study.runs.values():
        for _, scores in own_evaluations(study, run):
            for space in SPACES:
                if score := memorized_score(scores, space):
                    name = "pixels" if space == "pixel" else scores.evaluator
                    rows.setdefault(run.name, {}).setdefault(name, score[1])
    return rows


def _draw_score(
    axes: Axes, theme: Theme, color: str, marker: str, score: ScoreMean, y: float
) -> None:
    if score.seeds > 1:
        axes.errorbar(score.value, y, xerr=score.std, fmt="none", ecolor=color, elinewidth=1)
    axes.plot(
        score.value,
        y,
        marker,
        color=color,
        markerfacecolor=theme.paper if marker == MARKERS[0] else color,
        markersize=5.5,
        clip_on=False,
        zorder=3,
    )
