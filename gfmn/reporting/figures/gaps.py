"""What is not matched after training: each tap's gaps of moments, by extractor."""

from collections.abc import Iterator, Mapping

import altair as alt
import pandas as pd

from gfmn.reporting.figures.figure import HEIGHT, PANEL, Figure, Panel, pick_runs
from gfmn.reporting.results import Study
from gfmn.reporting.tables.table import Table

MOMENTS = {"mean_gap": "means", "std_gap": "standard deviations"}


def figures(study: Study, tables: Mapping[str, Table]) -> Iterator[Figure]:
    """One figure, two panels an extractor; none where no run recorded its gaps."""
    frame = tap_gaps(study)
    if frame.empty:
        return
    panels: list[Panel] = []
    for extractor, rows in frame.groupby("extractor", sort=False):
        taps, runs = list(dict.fromkeys(rows["tap"])), list(dict.fromkeys(rows["run"]))
        for column, moments in MOMENTS.items():
            title = alt.Title(f"{extractor}: gap of the {moments}", anchor="start", fontSize=12)
            axis = alt.Axis(labelLimit=90, labelOverlap=True, labelAngle=-60, grid=False)
            chart = alt.Chart(rows, title=title).mark_line(point=True, strokeWidth=1.3)
            chart = chart.encode(
                x=alt.X("tap:N", sort=taps, title=None, axis=axis),
                y=alt.Y(f"{column}:Q", title=None, axis=alt.Axis(tickCount=4)),
                tooltip=["run:N", "tap:N", alt.Tooltip(f"{column}:Q", format=".3f")],
            )
            panels.append(
                pick_runs(chart, study, runs, f"{len(panels)}").properties(
                    width=PANEL, height=HEIGHT * 0.75
                )
            )
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
