"""How often each of the data's own classes is generated, compared with how often it is real."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

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
from gfmn.reporting.figures.sections import CLASSES
from gfmn.reporting.figures.theme import Theme, run_colors
from gfmn.reporting.records import Classes
from gfmn.reporting.results import Study
from gfmn.reporting.tables.table import Table

MAX_CLASSES = 20
MAX_COLUMNS = 4
NAME_LENGTH = 16
LEFT = 1.15  # inches, for the classes' names


@dataclass(frozen=True)
class RunShares:
    """Fractions of a run's images by class: of the seeds S x K, and of the real images K."""

    generated: np.ndarray
    real: np.ndarray

    @property
    def difference(self) -> np.ndarray:
        """Real minus generated, by class."""
        return np.asarray(self.real - self.generated.mean(0))


def draw(study: Study, tables: Mapping[str, Table], theme: Theme) -> Iterator[Drawing]:
    """A drawing for each evaluator that was trained on the data's own classes."""
    for evaluator in study.evaluators:
        by_run = _classes_by_run(study, evaluator)
        if by_run:
            yield _draw_evaluator(study, theme, evaluator, by_run)


def _classes_by_run(study: Study, evaluator: str) -> dict[str, list[Classes]]:
    """Each run's classes by seed; only runs with as many classes as the first."""
    by_run: dict[str, list[Classes]] = {}
    for run in study.runs.values():
        scores = run.scores(evaluator)
        seeds = [seed.classes for seed in scores.seeds if seed.classes] if scores else []
        if seeds and scores and scores.in_domain:
            by_run[run.name] = seeds
    first = next(iter(by_run.values()), None)
    return {
        run: seeds
        for run, seeds in by_run.items()
        if first and len(seeds[0].real) == len(first[0].real)
    }


def _draw_evaluator(
    study: Study, theme: Theme, evaluator: str, by_run: Mapping[str, list[Classes]]
) -> Drawing:
    first = next(iter(by_run.values()))[0]
    names = first.names or tuple(f"class {i}" for i in range(len(first.real)))
    shares = {
        run: RunShares(np.asarray([one.generated for one in seeds]), np.asarray(seeds[0].real))
        for run, seeds in by_run.items()
    }
    largest_difference = np.max([abs(one.difference) for one in shares.values()], axis=0)
    chosen = sorted(np.argsort(-largest_difference, kind="stable")[:MAX_CLASSES].tolist())
    caption = (
        "Fraction of each class among the generated images (bars) and the real ones (marks), "
        f"classes as {evaluator} predicts them. Where a bar ends before its mark, the generator "
        "makes the class too seldom."
    )
    if any(len(one.generated) > 1 for one in shares.values()):
        caption += " For several seeds, the bar is the mean, the line from least to most."
    if len(names) > MAX_CLASSES:
        caption += f" Of {len(names)} classes, the {MAX_CLASSES} whose fractions differ most."
    missed = [f"{names[np.argmax(one.difference)]} by {run}" for run, one in shares.items()]
    return Drawing(
        name=f"classes-{evaluator}",
        caption=caption,
        alt=f"Bars of class fractions. Most missed: {', '.join(missed)}.",
        png=_draw_panels(theme, shares, chosen, _labels(names, chosen), run_colors(study)),
        section=CLASSES,
    )


def _labels(names: Sequence[str], chosen: list[int]) -> list[str]:
    cut = (names[i] if len(names[i]) <= NAME_LENGTH else f"{names[i][:15]}…" for i in chosen)
    return list(cut)


def _draw_panels(
    theme: Theme,
    shares: Mapping[str, RunShares],
    chosen: list[int],
    labels: list[str],
    colors: Mapping[str, str],
) -> bytes:
    """A panel a run, a bar a class."""
    columns = min(len(shares), MAX_COLUMNS)
    rows = -(-len(shares) // columns)
    height, width = 0.19 * len(chosen) + 0.1, (WIDTH - LEFT) / columns
    pitch = height + 1.1
    largest = max(
        max(one.generated[:, chosen].max(), one.real[chosen].max()) for one in shares.values()
    )
    figure = new_figure(theme, WIDTH, rows * pitch + 0.3)
    for i, (run, one) in enumerate(shares.items()):
        row, column = divmod(i, columns)
        bottom = (rows - 1 - row) * pitch + 0.45
        axes = new_axes(figure, theme, (LEFT + column * width, bottom, width - 0.25, height))
        _draw_panel(axes, theme, theme.tone(colors[run]), one, chosen)
        axes.set_xlim(0, 100 * largest * 1.08)
        axes.set_yticks(range(len(chosen)), labels if column == 0 else [""] * len(chosen))
        heading(axes, theme, run, f"{len(one.generated)} seeds" if len(one.generated) > 1 else "")
    legend(figure, theme, [("generated", theme.muted, "s"), ("real", theme.ink, "|")])
    return to_png(figure)


def _draw_panel(axes: Axes, theme: Theme, color: str, shares: RunShares, chosen: list[int]) -> None:
    ys, percent = range(len(chosen)), 100 * shares.generated[:, chosen]
    axes.barh(ys, percent.mean(0), height=0.66, color=color, alpha=0.85)
    if len(percent) > 1:
        for y, seeds in zip(ys, percent.T, strict=True):
            axes.plot([seeds.min(), seeds.max()], [y, y], color=theme.ink, linewidth=0.9)
    marks = 100 * shares.real[chosen]
    axes.plot(marks, ys, "|", color=theme.ink, markersize=9, markeredgewidth=1.6)
    axes.set_ylim(len(chosen) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color=theme.rule, linewidth=0.8)
    axes.tick_params(axis="y", colors=theme.ink)
    axes.set_xlabel("percentage of the images", color=theme.muted, fontsize=SMALL)
