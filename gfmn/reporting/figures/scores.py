"""Fréchet distances of a table's rows by feature space, next to the figures of the paper."""

from collections.abc import Iterator, Mapping

import altair as alt
import pandas as pd

from gfmn.reporting.figures.figure import (
    HEIGHT,
    NEUTRAL,
    PANEL,
    Figure,
    Panel,
    color_by,
    joined,
    rows_of_points,
)
from gfmn.reporting.formatting import decimals_for, format_number, join
from gfmn.reporting.paper import DATASETS, HALVES, paper_dataset, paper_tables
from gfmn.reporting.results import REAL_DATA, Study
from gfmn.reporting.tables.scored_spaces import ScoredSpace
from gfmn.reporting.tables.table import Table


def figures(study: Study, tables: Mapping[str, Table]) -> Iterator[Figure]:
    """A figure for each table that has a distance: by number of taps for one like Table 3."""
    for name, table in tables.items():
        spaces = [(space, key) for space in table.spaces if (key := table.distance_in(space))]
        spaces = [(space, key) for space, key in spaces if table.runs[key].count()]
        if not spaces:
            continue
        by_taps = table.paper == "table3" and table.runs["taps"].count() > 1
        make = _by_taps if by_taps else _by_row
        panels: list[Panel] = [make(study, table, space, key) for space, key in spaces]
        panels += _of_the_paper(study, table, by_taps)
        names = join(space.evaluator for space, _ in spaces)
        values = table.runs.set_index("run")[spaces[0][1]].dropna().map("{:.4g}".format)
        yield Figure(
            name=f"{'taps' if by_taps else 'rows'}-{name}",
            section=name,
            caption=f"Fréchet distance in {names}{_paper_text(table)}. Dashed: real images against "
            "other real images. Each panel has an axis of its own: distances in two feature spaces "
            f"do not compare, orders do.{_remarks(table)}",
            alt=f"{study.config.tables[name].title}, {spaces[0][1]}: {joined(dict(values))}.",
            panels=tuple(panels),
        )


def point_rows(table: Table, space: ScoredSpace, key: str) -> pd.DataFrame:
    """The runs that have a score in a space: run, taps, value, std over seeds, text, own."""
    rows = table.runs.dropna(subset=[key])
    std = rows[f"{key}_std"] if f"{key}_std" in rows else pd.Series(pd.NA, rows.index, "Float64")
    std = std.where(rows[f"seeds{space.suffix}"] > 1)
    decimals = max(decimals_for(rows[key]) - 1, 0)
    texts = [
        format_number(value, decimals)
        + ("" if pd.isna(one) else f" ± {format_number(one, decimals)}")
        for value, one in zip(rows[key], std, strict=True)
    ]
    own = [space.evaluator in text.split(", ") for text in rows["flattered"].fillna("")]
    columns = {"run": rows["run"].astype(str), "taps": rows["taps"].astype("float")}
    columns |= {"value": rows[key].astype(float), "std": std.astype("float"), "text": texts}
    return pd.DataFrame(columns | {"own": own})


def _by_row(study: Study, table: Table, space: ScoredSpace, key: str) -> Panel:
    return rows_of_points(
        study, point_rows(table, space, key), f"In {space.evaluator}", f"{key} ↓", _real(table, key)
    )


def _by_taps(study: Study, table: Table, space: ScoredSpace, key: str) -> Panel:
    """Distance by number of matched layers."""
    frame = point_rows(table, space, key).sort_values("taps")
    frame = frame.assign(low=frame["value"] - frame["std"], high=frame["value"] + frame["std"])
    base = alt.Chart(frame, title=alt.Title(f"In {space.evaluator}", anchor="start", fontSize=12))
    x, y = _taps(), alt.Y("value:Q", title=f"{key} ↓", scale=alt.Scale(zero=True))
    tooltip = ["run:N", "taps:Q", alt.Tooltip("text:N", title=key)]
    line = base.mark_line(color=NEUTRAL, strokeWidth=1.2).encode(x=x, y=y)
    color = color_by(study, frame["run"], legend=None)
    bars = base.mark_rule(strokeWidth=2, aria=False).encode(
        x=x, y=alt.Y("low:Q", title=f"{key} ↓"), y2="high:Q", color=color
    )
    points = base.mark_point(size=70, filled=True, opacity=1).encode(
        x=x, y=y, color=color, tooltip=tooltip
    )
    text = base.mark_text(dy=-14, dx=4, align="left", fontSize=10, color=NEUTRAL).encode(
        x=x, y=y, text="run:N"
    )
    layers: list[alt.Chart] = [line, bars, points, text]
    if (real := _real(table, key)) is not None:
        rule = alt.Chart(pd.DataFrame({"value": [real]})).mark_rule(
            strokeDash=[4, 3], color=NEUTRAL
        )
        layers.append(rule.encode(y="value:Q"))
    return alt.layer(*layers).properties(width=PANEL, height=HEIGHT)


def _of_the_paper(study: Study, table: Table, by_taps: bool) -> Iterator[Panel]:
    """The paper's FID: of the compared rows, of all depths, or of every published method."""
    if not table.paper:
        return
    dataset = paper_dataset(table.paper)
    title, axis = f"The paper: {DATASETS[dataset]}, in Inception", "FID 5K ↓"
    rows = [(row, row.on(dataset)) for row in paper_tables()[table.paper]]
    published = [(row, one.fid5k) for row, one in rows if one and one.fid5k is not None]
    if by_taps:
        frame = pd.DataFrame([(row.layers, fid) for row, fid in published], columns=["taps", "fid"])
        chart = alt.Chart(frame, title=alt.Title(title, anchor="start", fontSize=12))
        encoded = chart.mark_line(point=True, color=NEUTRAL).encode(
            x=_taps(), y=alt.Y("fid:Q", title=axis), tooltip=["taps:Q", "fid:Q"]
        )
        yield encoded.properties(width=PANEL, height=HEIGHT)
        return
    if table.paper in HALVES:
        pairs = sorted(((row.label, fid) for row, fid in published), key=lambda pair: pair[1])
    else:
        own = table.runs.dropna(subset=["paper_fid5k"])
        pairs = [(f"{run}", fid) for run, fid in zip(own["run"], own["paper_fid5k"], strict=True)]
    if pairs:
        frame = pd.DataFrame(pairs, columns=["run", "value"])
        texts = [f"{fid:g}" for fid in frame["value"]]
        frame = frame.assign(std=float("nan"), text=texts, own=False)
        yield rows_of_points(study, frame, title, axis)


def _taps() -> alt.X:
    return alt.X("taps:Q", title="matched layers (taps)", axis=alt.Axis(tickMinStep=1, grid=False))


def _real(table: Table, key: str) -> float | None:
    real = table.frame.loc[table.frame["run"] == REAL_DATA, key].dropna()
    return float(real.iloc[0]) if len(real) else None


def _paper_text(table: Table) -> str:
    if not table.paper:
        return ""
    return ", and the published FIDs" if table.paper in HALVES else ", and the paper’s FID"


def _remarks(table: Table) -> str:
    """What bars and hollow points are, as sentences for a caption."""
    seeds = max(table.runs[f"seeds{space.suffix}"].fillna(0).max() for space in table.spaces)
    text = " Bars: standard deviation (n − 1) over seeds." if seeds > 1 else ""
    flattered = table.runs.dropna(subset="flattered")
    if len(flattered):
        text += f" Diamonds: {join(flattered['run'])}, trained on that panel’s own network."
    return text
