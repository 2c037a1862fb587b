"""A table as a reader sees it: its columns with their headings, its cells as text.

A score's column is named as its file names it, with evaluator and sample count, such as
`fd_lite2_5k`; the paper's columns begin with `paper_` and are in Inception's space.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gfmn.common import json_reader
from gfmn.reporting.formatting import decimals_for, format_difference, format_number, format_value
from gfmn.reporting.results import REAL_DATA
from gfmn.reporting.score_info import DISTANCES, Direction, ScoreInfo
from gfmn.reporting.tables.paper_comparison import DIFFERENCES, PAPER_COLUMNS, RANKS
from gfmn.reporting.tables.table import COUNTS, SETTINGS, Table

HIDDEN = (  # never columns
    *("kind", "status", "beyond", "note", "networks", "flattered"),
    *("paper_group", "paper_is_std", "paper_source", "places"),
)
ALWAYS = ("run", "differs")  # columns even where all rows have one value
PAPER_DIRECTIONS: dict[str, Direction] = {
    "paper_is_mean": "higher",
    "paper_fid5k": "lower",
    "paper_fid50k": "lower",
}
PAPER_DECIMALS = {"paper_is_mean": 2, "paper_fid5k": 1, "paper_fid50k": 1}


@dataclass(frozen=True)
class Column:
    """How a column is shown. `group`: setting, ours, second, paper or difference.

    `direction`: of better values, of a score.
    """

    key: str
    heading: str
    group: str
    numeric: bool
    direction: Direction | None = None
    decimals: int | None = None  # None: by the size of the values
    std: str = ""  # the column that holds its deviation
    evaluator: str = ""  # of a score of this study
    count: int | None = None  # of a score: images, where its name says it


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
    seed_lists = list(runs["seed_list"].dropna().unique()) if table.main else []
    if len(seed_lists) == 1:
        common["Seeds" if "," in seed_lists[0] else "Seed"] = _seeds(seed_lists[0])
    counts = _common_counts(runs) if table.main else ""
    if table.main and not counts and runs["n_generated"].count():
        for key in ("scored_against", "n_generated", "n_reference"):
            dtype, heading = COUNTS[key]
            columns.append(Column(key, heading, "ours", dtype != "string"))
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
    frame: pd.DataFrame, evaluator: str, key: str, info: ScoreInfo, group: str = "ours"
) -> Column:
    """A score of this study as a column."""
    return Column(
        key,
        info.title,
        group,
        numeric=True,
        direction=info.direction,
        decimals=info.decimals,
        std=f"{key}_std" if f"{key}_std" in frame else "",
        evaluator=evaluator,
        count=info.count,
    )


def column_cells(frame: pd.DataFrame, column: Column) -> list[Cell]:
    """One cell a row; the best is marked where several runs have the score."""
    values = frame[column.key]
    if column.key in DIFFERENCES:
        digits = 2 if column.key == "difference_is" else 1
        return [Cell("" if pd.isna(v) else format_difference(v, digits)) for v in values]
    if not (column.direction or column.evaluator):
        return [Cell("" if pd.isna(v) else format_value(v)) for v in values]
    own = values[frame["run"] != REAL_DATA].dropna()
    ends = {"lower": own.min, "higher": own.max}
    best = ends[column.direction]() if column.direction in ends and own.nunique() > 1 else None
    decimals = column.decimals
    if decimals is None:
        decimals = decimals_for(own if len(own) else values.dropna())
    cells = []
    for (_, row), value in zip(frame.iterrows(), values, strict=True):
        if pd.isna(value):
            cells.append(Cell(""))
            continue
        std = row[column.std] if column.std else None
        over = row.get(f"{column.key}_over")
        cells.append(
            Cell(
                text=format_number(value, decimals),
                std="" if pd.isna(std) else format_number(std, decimals),
                over="" if pd.isna(over) else str(over),
                best=bool(value == best and row["run"] != REAL_DATA),
            )
        )
    return cells


def _score_columns(table: Table) -> Iterator[Column]:
    """The main space's scores and the second's Fréchet distances."""
    for space, group in zip(table.spaces, ("ours", "second"), strict=False):
        keys = [key for key, info in space.scores.items() if info.main]
        measured = [key for key in keys if table.runs[key].count()]
        keys = measured if measured or group == "second" else keys
        if group == "second":
            distances = [key for key in keys if space.scores[key].kind in DISTANCES]
            keys = [key for key in distances if space.scores[key].count] or distances
        for key in keys:
            info = space.scores[key]
            column = score_column(table.frame, space.evaluator, key, info, group)
            yield column


def _paper_columns(frame: pd.DataFrame) -> Iterator[Column]:
    present = [key for key in frame if key not in HIDDEN and frame[key].notna().any()]
    for key, (dtype, heading) in PAPER_COLUMNS.items():
        if key in present:
            yield Column(
                key,
                heading,
                "paper",
                dtype != "string",
                direction=PAPER_DIRECTIONS.get(key),
                decimals=PAPER_DECIMALS.get(key),
                std="paper_is_std" if key == "paper_is_mean" else "",
            )
    for key, (_, heading) in (DIFFERENCES | RANKS).items():
        if key in present:
            yield Column(key, heading, "difference", True)


def _with_row_names(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the paper's names for rows without a run, each name once a row."""
    if "paper_row" not in frame:
        return frame
    alone = (frame["kind"] == "published") & frame["paper_features"].isna()
    run = frame["run"].fillna(frame["paper_row"])
    return frame.assign(run=run, paper_row=frame["paper_row"].mask(alone))


def _group_headings(frame: pd.DataFrame) -> Iterator[str]:
    """The kind of method where it changes, in a table that has rows of the paper alone."""
    before = ""
    has_groups = (frame["kind"] == "published").any()
    for group in frame["paper_group"].fillna("") if has_groups else [""] * len(frame):
        yield group if group != before else ""
        before = group


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
    seeds: Iterable[int] = json_reader.loads(text)
    return ", ".join(map(str, seeds))
