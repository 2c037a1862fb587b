"""A figure of the data's own classes: how often each is generated, beside how often it is real."""

import numpy as np

from gfmn.reporting.results import Study
from gfmn.reporting.style import (
    SMALL,
    WIDTH,
    Drawing,
    Theme,
    heading,
    legend,
    new_axes,
    new_figure,
    run_colours,
    to_png,
)

MOST = 20  # classes that are drawn
COLUMNS = 4  # panels a row


def class_shares(study: Study, evaluator: str, theme: Theme) -> Drawing | None:
    """Shares of classes by run, of an evaluator that was trained on the data's own classes."""
    found = {}
    for run in study.runs.values():
        scores = run.scores(evaluator)
        of_seeds = [seed.classes for seed in scores.seeds if seed.classes] if scores else []
        if of_seeds and scores and scores.in_domain:
            found[run.name] = of_seeds
    if not found:
        return None
    first = next(iter(found.values()))[0]
    names = first.names or tuple(f"class {i}" for i in range(len(first.real)))
    found = {run: of for run, of in found.items() if len(of[0].real) == len(names)}
    made = {run: np.asarray([one.generated for one in of]) for run, of in found.items()}
    real = {run: np.asarray(of[0].real) for run, of in found.items()}
    apart = np.max([abs(made[run].mean(0) - real[run]) for run in found], axis=0)
    chosen = sorted(np.argsort(-apart, kind="stable")[:MOST].tolist())
    labels = [names[j] if len(names[j]) <= 16 else f"{names[j][:15]}…" for j in chosen]
    ends = [max(made[run][:, chosen].max(), real[run][chosen].max()) for run in found]
    colours = run_colours(study)
    columns = min(len(found), COLUMNS)
    rows = -(-len(found) // columns)
    high, left = 0.19 * len(chosen) + 0.1, 1.15
    width = (WIDTH - left) / columns
    pitch = high + 1.1
    figure = new_figure(theme, WIDTH, rows * pitch + 0.3)
    for i, name in enumerate(found):
        row, column = divmod(i, columns)
        bottom = (rows - 1 - row) * pitch + 0.45
        axes = new_axes(figure, theme, (left + column * width, bottom, width - 0.25, high))
        ys, shares = range(len(chosen)), 100 * made[name][:, chosen]
        colour = theme.tone(colours[name])
        axes.barh(ys, shares.mean(0), height=0.66, color=colour, alpha=0.85)
        if len(shares) > 1:
            for y, of_class in zip(ys, shares.T, strict=True):
                axes.plot([of_class.min(), of_class.max()], [y, y], color=theme.ink, linewidth=0.9)
        marks = 100 * real[name][chosen]
        axes.plot(marks, ys, "|", color=theme.ink, markersize=9, markeredgewidth=1.6)
        axes.set_ylim(len(chosen) - 0.4, -0.6)
        axes.set_xlim(0, 100 * max(ends) * 1.08)
        axes.grid(axis="y", visible=False)
        axes.grid(axis="x", color=theme.rule, linewidth=0.8)
        axes.set_yticks(ys, labels if column == 0 else [""] * len(chosen))
        axes.tick_params(axis="y", colors=theme.ink)
        axes.set_xlabel("share of the images, %", color=theme.muted, fontsize=SMALL)
        seeds = f"{len(shares)} seeds" if len(shares) > 1 else ""
        heading(axes, theme, name, seeds)
    legend(figure, theme, [("generated", theme.muted, "s"), ("real", theme.ink, "|")])
    caption = (
        f"Share of each class among the generated images (bars) and the real ones (marks), classes "
        f"as {evaluator} assigns them. A bar short of its mark is a class that the generator makes "
        "too seldom."
    )
    if any(len(of) > 1 for of in found.values()):
        caption += " Of several seeds, the bar is the mean, the line from least to most."
    if len(names) > MOST:
        caption += f" Of {len(names)} classes, the {MOST} whose shares differ most."
    missed = [f"{names[np.argmax(real[run] - made[run].mean(0))]} by {run}" for run in found]
    return Drawing(
        name=f"classes-{evaluator}",
        kind="classes",
        table=None,
        caption=caption,
        alt=f"Bars of class shares. Most missed: {', '.join(missed)}.",
        png=to_png(figure),
    )
