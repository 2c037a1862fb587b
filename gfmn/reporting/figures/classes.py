"""How often each of the data's own classes is generated, compared with how often it is real."""

from collections.abc import Iterator, Mapping

import altair as alt
import pandas as pd

from gfmn.reporting.figures.figure import NEUTRAL, PANEL, ROW, Figure, Panel, color_by, heading
from gfmn.reporting.results import Study
from gfmn.reporting.tables.table import Table

MOST = 20  # classes that are shown


def figures(study: Study, tables: Mapping[str, Table]) -> Iterator[Figure]:
    """A figure for each evaluator that was trained on the data's own classes, a panel a run."""
    for evaluator in study.evaluators:
        frame = class_shares(study, evaluator)
        if frame.empty:
            continue
        gap = (frame["real"] - frame["generated"]).abs().groupby(frame["class"]).max()
        shown = set(gap.nlargest(MOST).index)
        rows = frame[frame["class"].isin(shown)]
        names = list(dict.fromkeys(rows["class"]))
        panels = [
            _panel(study, str(run), one, names) for run, one in rows.groupby("run", sort=False)
        ]
        missed = frame.loc[(frame["real"] - frame["generated"]).groupby(frame["run"]).idxmax()]
        texts = (f"{row['class']} by {row['run']}" for _, row in missed.iterrows())
        left = f" Of {len(gap)} classes, the {MOST} that differ most." if len(gap) > MOST else ""
        yield Figure(
            name=f"classes-{evaluator}",
            section="classes",
            heading="Which classes are generated, and how often",
            caption="Each class’s fraction of the generated images (bars, the mean over seeds) and "
            f"of the real ones (marks), as {evaluator} predicts them.{left}",
            alt=f"Bars of class fractions. Most missed: {', '.join(texts)}.",
            panels=tuple(panels),
        )


def class_shares(study: Study, evaluator: str) -> pd.DataFrame:
    """A row a run and class: the fractions `generated`, a mean over seeds, and `real`."""
    rows, size = [], None
    for run in study.runs.values():
        scores = run.scores(evaluator)
        for seed in scores.seeds if scores and scores.in_domain else ():
            if seed.classes and size in (None, len(seed.classes.real)):
                size = len(seed.classes.real)
                names = seed.classes.names or [f"class {i}" for i in range(size)]
                pairs = zip(names, seed.classes.generated, seed.classes.real, strict=True)
                rows += [(run.name, *pair) for pair in pairs]
    frame = pd.DataFrame(rows, columns=["run", "class", "generated", "real"])
    return frame.groupby(["run", "class"], sort=False, as_index=False).mean()


def _panel(study: Study, run: str, rows: pd.DataFrame, names: list[str]) -> Panel:
    base = alt.Chart(rows, title=heading(run))
    y = alt.Y("class:N", sort=names, title=None, axis=alt.Axis(labelLimit=110))
    percent = alt.Axis(format="%", tickCount=4)
    tooltip = ["class:N", *(alt.Tooltip(f"{key}:Q", format=".1%") for key in ("generated", "real"))]
    bars = base.mark_bar(opacity=0.85).encode(
        x=alt.X("generated:Q", title=None, axis=percent),
        y=y,
        color=color_by(study, [run], legend=None),
        tooltip=tooltip,
    )
    marks = base.mark_tick(thickness=2, color=NEUTRAL).encode(x="real:Q", y=y, tooltip=tooltip)
    return alt.layer(bars, marks).properties(width=PANEL, height=ROW * 0.8 * len(names))
