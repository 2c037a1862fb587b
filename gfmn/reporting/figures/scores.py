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
    heading,
    joined,
    points,
    taps_axis,
)
from gfmn.reporting.formatting import decimals_for, format_number, join
from gfmn.reporting.paper import DATASETS, HALVES, paper_dataset, paper_tables
from gfmn.reporting.records import REAL_DATA
from gfmn.reporting.results import Study
from gfmn.reporting.tables.table import Space, Table


def figures(study: Study, tables: Mapping[str, Table]) -> Iterator[Figure]:
    """A figure for each table that has a distance: by number of taps for one like Table 3."""
    for name, table in tables.items():
        spaces = [(space, key) for space in table.spaces if (key := table.distance_in(space))]
        spaces = [(space, key) for space, key in spaces if table.runs[key].count()]
        if not spaces:
            continue
        by_taps = table.paper == "table3" and table.runs["taps"].count() > 1
        panels: list[Panel] = []
        for space, key in spaces:
            frame = point_rows(table, space, key)
            frame = frame.sort_values("taps") if by_taps else frame
            real = table.frame.loc[table.frame["run"] == REAL_DATA, key].dropna()
            of_real = float(real.iloc[0]) if len(real) else None
            title, axis = f"In {space.evaluator}", f"{key} ↓"
            panels.append(points(study, frame, title, axis, of_real, by_taps=by_taps))
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


def point_rows(table: Table, space: Space, key: str) -> pd.DataFrame:
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


def _of_the_paper(study: Study, table: Table, by_taps: bool) -> Iterator[Panel]:
    """The paper's FID: of the compared rows, of all depths, or of every published method."""
    if not table.paper:
        return
    title = f"The paper: {DATASETS[paper_dataset(table.paper)]}, in Inception"
    axis, names = "FID 5K ↓", {"paper_row": "run", "layers": "taps", "paper_fid5k": "value"}
    rows = pd.DataFrame(paper_tables()[table.paper]).rename(columns=names).dropna(subset="value")
    if by_taps:
        chart = alt.Chart(rows[["taps", "value"]], title=heading(title))
        encoded = chart.mark_line(point=True, color=NEUTRAL).encode(
            x=taps_axis(), y=alt.Y("value:Q", title=axis), tooltip=["taps:Q", "value:Q"]
        )
        yield encoded.properties(width=PANEL, height=HEIGHT)
        return
    if table.paper in HALVES:
        rows = rows.sort_values("value", kind="stable")
    else:
        rows = table.runs.rename(columns={"paper_fid5k": "value"}).dropna(subset="value")
    if len(rows):
        texts = rows["value"].map("{:g}".format)
        frame = rows[["run", "value"]].assign(std=float("nan"), text=texts, own=False)
        yield points(study, frame, title, axis)


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
