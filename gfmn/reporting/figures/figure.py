"""What the figures share: a figure of charts, its runs' colors, how it becomes a PNG."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import altair as alt
import pandas as pd
import vl_convert
from PIL import Image

from gfmn.reporting.results import Study

# Distinct under the common color-vision deficiencies, and on white as on near black.
HUES = ("#3b82c4", "#2a9d78", "#b8860b", "#a3509c", "#7c6fd0", "#8a6d5a", "#5f8f3f", "#c26a3d")
HEADLINE, NEUTRAL = "#d1495b", "#7d8590"  # the headline run; the paper, real data
PANEL = 380  # px: a panel's width in a PNG
HEIGHT = 220  # px: of a panel without rows
ROW = 26  # px: of a row
COLUMNS, SCALE = 2, 1.6  # of a PNG: panels in a line, its pixels for one of the page
CONFIG: dict[str, Any] = {  # of a PNG; the page sets its own colors
    "background": "white",
    "view": {"stroke": None},
    "axis": {"gridColor": "#e6e2da", "domainColor": "#8a8780", "tickColor": "#8a8780"},
    "concat": {"spacing": 24},
}


Panel = alt.Chart | alt.LayerChart | alt.FacetChart  # of one view


@dataclass(frozen=True)
class Figure:
    """Charts side by side under one caption.

    `name`: its file's, without `.png`. `section`: where the page shows it: a table's name,
    `training`, or another name with a `heading`, which the page folds. `panels`: Vega-Lite charts
    of one view each, which take the width that there is.
    """

    name: str
    section: str
    caption: str
    alt: str  # for readers who do not see it
    panels: tuple[Panel, ...] = field(repr=False)
    heading: str = ""

    def specs(self) -> list[dict[str, Any]]:
        """Each panel's Vega-Lite specification, as wide as its container."""
        return [panel.to_dict() | {"width": "container"} for panel in self.panels]

    def png(self) -> bytes:
        """All panels as one picture."""
        rows = alt.concat(*self.panels, columns=COLUMNS).resolve_scale(
            color="independent", x="independent", y="independent"
        )
        spec = rows.to_dict() | {"config": CONFIG}
        content = io.BytesIO(vl_convert.vegalite_to_png(spec, scale=SCALE))
        small = io.BytesIO()  # 64 colors are enough for lines and text, at a third of the size
        image = Image.open(content).convert("RGB").quantize(64, dither=Image.Dither.NONE)
        image.save(small, "PNG", optimize=True)
        return small.getvalue()


def run_colors(study: Study) -> dict[str, str]:
    """One color a run, the same in every figure; the headline's is its own."""
    tables = study.config.tables.values()
    order = dict.fromkeys([*(run for table in tables for run in table.rows), *study.runs])
    others = [run for run in order if run != study.headline.name]
    return {study.headline.name: HEADLINE} | {
        run: HUES[i % len(HUES)] for i, run in enumerate(others)
    }


def color_by(
    study: Study, names: Iterable[str], column: str = "run", legend: Any = alt.Undefined
) -> alt.Color:
    """A color encoding by run, in the order of the names."""
    colors, domain = run_colors(study), list(dict.fromkeys(names))
    scale = alt.Scale(domain=domain, range=[colors.get(name, NEUTRAL) for name in domain])
    return alt.Color(f"{column}:N", scale=scale, legend=legend, title=None)


def pick_runs(chart: alt.Chart, study: Study, names: Sequence[str], panel: str) -> alt.Chart:
    """The chart with its runs' colors, and a legend of which a click picks runs.

    `panel`: a name that no other panel of the figure has.
    """
    legend = alt.Legend(orient="bottom", columns=3, symbolLimit=0, labelLimit=130)
    picked = alt.selection_point(name=f"pick_{panel}", fields=["run"], bind="legend")
    opacity = alt.condition(picked, alt.value(1.0), alt.value(0.12))
    shown = chart.encode(color=color_by(study, names, legend=legend), opacity=opacity)
    return shown.add_params(picked)


def points(
    study: Study,
    frame: pd.DataFrame,
    title: str,
    axis: str,
    real: float | None = None,
    domain: Sequence[float] | None = None,
    by_taps: bool = False,
) -> Panel:
    """A point a run with a bar of its deviation, its value as text, and real data as a line.

    `frame`: columns run, value, std (may be missing), text, and `own`: trained on this very space,
    a diamond. A row a run, or `by_taps`, a column more, from left to right, joined by a line.
    """
    names, (along, across) = list(frame["run"]), ("x", "y") if by_taps else ("y", "x")
    frame = frame.astype({"value": float, "std": float})
    frame = frame.assign(low=frame["value"] - frame["std"], high=frame["value"] + frame["std"])
    room = 1.2 if by_taps else 1.35  # of texts to the right of the points
    end = room * float(frame[["value", "high"]].max().max())
    scale = alt.Scale(domain=list(domain or (0, end)), nice=False)
    rows = alt.Y("run:N", sort=names, title=None, axis=alt.Axis(labelLimit=220, grid=False))
    place = {along: taps_axis() if by_taps else rows}
    kind = alt.Y if by_taps else alt.X
    low, value = (
        {across: kind(f"{key}:Q", title=axis, scale=scale, axis=alt.Axis(tickCount=4))}
        for key in ("low", "value")
    )
    color = color_by(study, names, legend=None)
    tooltip = [alt.Tooltip("run:N"), alt.Tooltip("text:N", title=axis)]
    base = alt.Chart(frame, title=heading(title))
    shape = alt.condition("datum.own", alt.value("diamond"), alt.value("circle"))
    layers: list[alt.Chart] = [
        base.mark_rule(strokeWidth=2, aria=False).encode(
            **place, **low, **{f"{across}2": "high:Q"}, color=color, tooltip=tooltip
        ),
        base.mark_point(size=70, filled=True, opacity=1).encode(
            **place, **value, color=color, shape=shape, tooltip=tooltip
        ),
        base.mark_text(align="left", dx=9, dy=-8, fontSize=10, color=NEUTRAL).encode(
            **place, **value, text="run:N" if by_taps else "text:N"
        ),
    ]
    if by_taps:
        layers.insert(0, base.mark_line(color=NEUTRAL, strokeWidth=1.2).encode(**place, **value))
    if real is not None:
        rule = alt.Chart(pd.DataFrame({"value": [real]})).mark_rule(strokeDash=[4, 3])
        tip = alt.Tooltip("value:Q", title="real images")
        layers.append(rule.encode(**{across: "value:Q"}, color=alt.value(NEUTRAL), tooltip=tip))
    height = HEIGHT if by_taps else ROW * len(names)
    return alt.layer(*layers).properties(width=PANEL, height=height)


def taps_axis() -> alt.X:
    """From left to right: how many layers are matched."""
    return alt.X("taps:Q", title="matched layers (taps)", axis=alt.Axis(tickMinStep=1, grid=False))


def heading(text: str) -> alt.Title:
    """A panel's title."""
    return alt.Title(text, anchor="start", fontSize=12)


def lines(frame: pd.DataFrame, x: Any, y: Any, title: str, points: bool = False) -> alt.Chart:
    """A line a run and seed (columns `run` and `seed`), with values on hovering."""
    chart = alt.Chart(frame, title=heading(title))
    chart = chart.mark_line(point=points, strokeWidth=1.5).encode(
        x=x, y=y, detail="seed:N", tooltip=["run:N", "seed:N", x["shorthand"], y["shorthand"]]
    )
    return cast(alt.Chart, chart.properties(width=PANEL, height=HEIGHT))


def joined(pairs: Mapping[str, Any]) -> str:
    """Names with values, for a text that stands for a picture."""
    return "; ".join(f"{name} {value}" for name, value in pairs.items())
