"""A table as a reader sees it: its columns with their headings, its cells as text.

A score's column is named as its file names it, with evaluator and sample count, such as
`fd_lite2_5k`; the paper's columns begin with `paper_` and are in Inception's space.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gfmn.common import json_reader
from gfmn.reporting.formatting import decimals_for, format_difference, format_number, format_value
from gfmn.reporting.records import DISTANCES, REAL_DATA
from gfmn.reporting.tables.table import (
    COUNTS,
    DIFFERENCES,
    PAPER_COLUMNS,
    RANKS,
    SETTINGS,
    Table,
)

HIDDEN = (  # never columns
    *("kind", "status", "beyond", "note", "networks", "flattered"),
    *("paper_group", "paper_is_std", "paper_source", "places"),
)
ALWAYS = ("run", "differs")  # columns even where all rows have one value
PAPER_SCORES = {  # direction, decimals, column of its deviation
    "paper_is_mean": ("higher", 2, "paper_is_std"),
    "paper_fid5k": ("lower", 1, ""),
    "paper_fid50k": ("lower", 1, ""),
}


@dataclass(frozen=True)
class Column:
    """How a column is shown. `group`: setting, ours, second, paper or difference."""

    key: str
    heading: str
    group: str
    numeric: bool = True
    direction: str | None = None  # of better values, of a score
    decimals: int | None = None  # None: by the size of the values
    std: str = ""  # the column that holds its deviation
    evaluator: str = ""  # of a score of this study


@dataclass(frozen=True)
class Cell:
    """A value and its deviation as text."""

    text: str
    std: str = ""
    over: str = ""  # what the deviation is over
    best: bool = False

    @property
    def text_with_std(self) -> str:
        """Value and deviation."""
        return f"{self.text} ± {self.std}" if self.std else self.text


@dataclass(frozen=True)
class TableView:
    """A table for a reader: settings that vary as columns, others once for all runs."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    marks: tuple[tuple[tuple[str, str], ...], ...]  # a row's remarks after its name: kind, text
    group_headings: tuple[str, ...]  # above a row; empty for most
    kinds: tuple[str, ...]  # of rows: real, run or published
    common: dict[str, str]  # settings that all runs share, by heading
    counts: str  # how many images are scored, where all runs share it


def view_table(table: Table) -> TableView:
    """Choose columns and format cells; the best value of a score leaves real data out."""
    frame, runs = _with_row_names(table.frame), table.runs
    columns, common = [], {}
    for key, (dtype, heading) in SETTINGS.items():
        values = list(runs[key].dropna().unique())
        if key in HIDDEN or not (values or key == "run"):
            continue
        # Some settings of a run that was not trained are unknown, so not known to be common.
        if key in ALWAYS or len(values) > 1 or len(runs) == 1 or runs[key].isna().any():
            columns.append(Column(key, heading, "setting", dtype != "string"))
        else:
            common[heading] = format_value(values[0])
    seed_lists = list(runs["seed_list"].dropna().unique()) if table.spaces else []
    if len(seed_lists) == 1:
        common["Seeds" if "," in seed_lists[0] else "Seed"] = _seeds(seed_lists[0])
    counts = _common_counts(runs) if table.spaces else ""
    if table.spaces and not counts and runs["n_generated"].count():
        keys = ("scored_against", "n_generated", "n_reference")
        columns += [Column(key, COUNTS[key][1], "ours", COUNTS[key][0] != "string") for key in keys]
    columns += [*_score_columns(table), *_paper_columns(frame)]
    return TableView(
        columns=tuple(columns),
        rows=tuple(zip(*(column_cells(frame, column) for column in columns), strict=True)),
        marks=tuple(tuple(_marks(row, len(seed_lists) > 1)) for _, row in frame.iterrows()),
        group_headings=tuple(_group_headings(frame)),
        kinds=tuple(frame["kind"]),
        common=common,
        counts=counts,
    )


def score_column(
    frame: pd.DataFrame, evaluator: str, score: "pd.Series[Any]", group: str = "ours"
) -> Column:
    """A score of this study as a column; `score`: a row of a file's means."""
    key, std = str(score.name), f"{score.name}_std"
    return Column(
        key,
        score["title"],
        group,
        direction=score["direction"],
        decimals=None if pd.isna(score["decimals"]) else int(score["decimals"]),
        std=std if std in frame else "",
        evaluator=evaluator,
    )


def column_cells(frame: pd.DataFrame, column: Column) -> list[Cell]:
    """One cell a row; the best is marked where several runs have the score."""
    values = frame[column.key]
    if not (column.direction or column.evaluator):
        digits = 2 if column.key == "difference_is" else 1
        signed = column.key in DIFFERENCES
        shown = (
            values.astype(object)
            .dropna()
            .map(lambda v: format_difference(v, digits) if signed else format_value(v))
        )
        return [Cell(text) for text in shown.reindex(values.index, fill_value="")]
    own = values[frame["run"] != REAL_DATA].dropna()
    ends = {"lower": own.min(), "higher": own.max()}
    best = ends.get(column.direction or "") if own.nunique() > 1 else None
    decimals = column.decimals
    if decimals is None:
        decimals = decimals_for(own if len(own) else values.dropna())
    cells = []
    for row in frame.to_dict("records"):
        value, std, over = (row.get(k) for k in (column.key, column.std, f"{column.key}_over"))
        if pd.isna(value):
            cells.append(Cell(""))
            continue
        deviation = "" if pd.isna(std) else format_number(std, decimals)
        is_best = bool(value == best and row["run"] != REAL_DATA)
        over = "" if pd.isna(over) else str(over)
        cells.append(Cell(format_number(value, decimals), deviation, over, is_best))
    return cells


def _score_columns(table: Table) -> Iterator[Column]:
    """The main space's scores and the second's Fréchet distances."""
    for space, group in zip(table.spaces, ("ours", "second"), strict=False):
        scores = space.scores[space.scores["main"]]
        measured = scores[table.runs[scores.index].notna().any()]
        scores = measured if len(measured) or group == "second" else scores
        if group == "second":
            scores = scores[scores["kind"].isin(DISTANCES)]
            counted = scores[scores["count"].notna()]
            scores = counted if len(counted) else scores
        for _, score in scores.iterrows():
            yield score_column(table.frame, space.evaluator, score, group)


def _paper_columns(frame: pd.DataFrame) -> Iterator[Column]:
    for key, (dtype, heading) in (PAPER_COLUMNS | DIFFERENCES | RANKS).items():
        if key in frame and key not in HIDDEN and frame[key].notna().any():
            group = "paper" if key in PAPER_COLUMNS else "difference"
            direction, decimals, std = PAPER_SCORES.get(key, (None, None, ""))
            yield Column(key, heading, group, dtype != "string", direction, decimals, std)


def _with_row_names(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the paper's names for rows without a run, each name once a row."""
    if "paper_row" not in frame:
        return frame
    alone = (frame["kind"] == "published") & frame["paper_features"].isna()
    run = frame["run"].fillna(frame["paper_row"])
    return frame.assign(run=run, paper_row=frame["paper_row"].mask(alone))


def _group_headings(frame: pd.DataFrame) -> list[str]:
    """The kind of method where it changes, in a table that has rows of the paper alone."""
    if not (frame["kind"] == "published").any():
        return [""] * len(frame)
    groups = frame["paper_group"].fillna("")
    return list(groups.where(groups != groups.shift(fill_value=""), ""))


def _common_counts(runs: pd.DataFrame) -> str:
    rows = runs.dropna(subset=["n_generated"])
    counts = rows[["n_generated", "n_reference"]].drop_duplicates()
    if len(counts) != 1 or (rows["scored_against"] != rows["dataset"]).any():
        return ""
    generated, reference = counts.iloc[0]
    return f"{generated:,} generated against {reference:,} real"


def _marks(row: "pd.Series[Any]", with_seeds: bool) -> Iterator[tuple[str, str]]:
    if row["kind"] == "published":
        yield from (("published", "published"), ("note", str(row["paper_source"])))
        return
    if not pd.isna(row.get("n_real")):
        yield "note", f"{row['n_real']:,} against {row['n_reference']:,}"
    if row["status"] != "scored":
        yield "status", str(row["status"])
    if with_seeds and not pd.isna(seeds := row["seed_list"]):
        yield "seeds", f"{'seeds' if ',' in seeds else 'seed'} {_seeds(seeds)}"
    if not pd.isna(row["beyond"]) and row["beyond"]:
        yield "beyond", "beyond the paper"
    if not pd.isna(row["flattered"]):
        yield "flattered", f"flattered in {row['flattered']}"
    if not pd.isna(row["note"]):
        yield "note", str(row["note"])


def _seeds(text: str) -> str:
    return ", ".join(map(str, json_reader.loads(text)))
