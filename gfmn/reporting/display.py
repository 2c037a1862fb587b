"""How a table is shown to a reader: its columns' headings, its cells as text.

A score's column is named as its file names it, with evaluator and sample count, such as
`fd_lite2_5k`; the paper's columns begin with `paper_` and are in Inception's space.
"""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any

import pandas as pd

from gfmn.reporting import names
from gfmn.reporting.beside import DIFFERENCES, PAPER, PLACES
from gfmn.reporting.summary import REAL
from gfmn.reporting.tables import COUNTS, SETTINGS, Table

NEVER = (  # not as columns
    *("kind", "status", "beyond", "note", "networks"),
    *("paper_group", "paper_is_std", "paper_source", "places"),
)
MAIN = ("fid", "fd", "is", "score", "kid", "kd", "precision", "recall")  # kinds in a table
PAPER_BEST = {"paper_is_mean": "max", "paper_fid5k": "min", "paper_fid50k": "min"}


@dataclass(frozen=True)
class Column:
    """How a column is shown: `group` is setting, ours, second, paper or difference.

    `best` is min, max, half or none; `evaluator` is that of a score of this study.
    """

    key: str
    head: str
    group: str
    numeric: bool
    best: str = ""
    spread: str = ""  # the column that holds its deviation
    evaluator: str = ""
    bar: bool = False


@dataclass(frozen=True)
class Cell:
    """A value and its deviation as text, whether it is the best, its share of the largest."""

    text: str
    spread: str = ""
    over: str = ""
    best: bool = False
    share: float | None = None

    @property
    def whole(self) -> str:
        """Value and deviation."""
        return f"{self.text} ± {self.spread}" if self.spread else self.text


@dataclass(frozen=True)
class Display:
    """What a reader sees of a table: what varies as columns, what does not as `common`.

    `marks`: for each row, what is said beside its name, as kind and text; `headings`: what stands
    above it, empty where nothing does; `kinds`: real, run or published. `counts`: how many images
    are scored, where that is one thing for all runs.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    marks: tuple[tuple[tuple[str, str], ...], ...]
    headings: tuple[str, ...]
    kinds: tuple[str, ...]
    common: dict[str, str]
    counts: str


def display(table: Table) -> Display:
    """Choose columns and format cells; the best value of a score leaves real data out."""
    frame, runs = _named(table.frame), table.runs
    columns, common = [], {}
    for key, (dtype, head) in SETTINGS.items():
        values = list(runs[key].dropna().unique())
        if key in NEVER or not (values or key == "run"):
            continue
        # Of a run that was not trained some settings are unknown, and so not known to be common.
        if key == "run" or len(values) > 1 or len(runs) == 1 or runs[key].isna().any():
            columns.append(Column(key, head, "setting", dtype != "string"))
        else:
            common[head] = text_of(values[0])
    lists = list(runs["seed_list"].dropna().unique()) if table.main else []
    if len(lists) == 1:
        common["Seeds" if "," in lists[0] else "Seed"] = _seeds(lists[0])
    counts = _counts(runs) if table.main else ""
    if table.main and not counts and runs["n_generated"].count():
        for key in ("scored_against", "n_generated", "n_reference"):
            dtype, head = COUNTS[key]
            columns.append(Column(key, head, "ours", dtype != "string"))
    columns += [*_score_columns(table), *_paper_columns(frame)]
    return Display(
        columns=tuple(columns),
        rows=tuple(zip(*(cells(frame, column) for column in columns), strict=True)),
        marks=tuple(tuple(_marks(row, len(lists) > 1)) for _, row in frame.iterrows()),
        headings=tuple(_headings(frame)),
        kinds=tuple(frame["kind"]),
        common=common,
        counts=counts,
    )


def score_column(frame: pd.DataFrame, evaluator: str, key: str, group: str = "ours") -> Column:
    """A score of this study as a column."""
    spread = f"{key}_std" if f"{key}_std" in frame else ""
    return Column(key, names.what(key), group, True, names.best(key), spread, evaluator)


def cells(frame: pd.DataFrame, column: Column) -> list[Cell]:
    """One cell a row; the best is bold where several runs have the score."""
    values = frame[column.key]
    if column.key in DIFFERENCES:
        places = 2 if column.key == "difference_is" else 1
        return [Cell("" if pd.isna(value) else signed(value, places)) for value in values]
    if not column.best:
        return [Cell("" if pd.isna(value) else text_of(value)) for value in values]
    mine = values[frame["run"] != REAL].dropna()
    ends = {"min": mine.min, "max": mine.max}
    best = ends[column.best]() if column.best in ends and mine.nunique() > 1 else None
    largest = values.max() if column.bar and len(mine) else 0
    places = names.PLACES.get(names.kind(column.key)) or decimals_for(
        mine if len(mine) else values.dropna()
    )
    if column.group == "paper":
        places = 2 if column.spread else 1
    found = []
    for (_, row), value in zip(frame.iterrows(), values, strict=True):
        if pd.isna(value):
            found.append(Cell(""))
            continue
        std = row[column.spread] if column.spread else None
        over = row.get(f"{column.key}_over")
        found.append(
            Cell(
                text=number(value, places),
                spread="" if pd.isna(std) else number(std, places),
                over="" if pd.isna(over) else str(over),
                best=bool(value == best and row["run"] != REAL),
                share=value / largest if largest > 0 else None,
            )
        )
    return found


def number(value: float, decimals: int) -> str:
    """A number with thousands separated and a true minus sign."""
    return f"{value:,.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def signed(value: float, decimals: int) -> str:
    """A difference: as a number, its sign always there."""
    text = number(value, decimals)
    return text if value < 0 else f"+{text}"


def decimals_for(values: Iterable[float]) -> int:
    """Decimals that give a column about four significant digits, by its median."""
    sizes = sorted(abs(v) for v in values if math.isfinite(v) and v)
    if not sizes:
        return 1
    return min(max(3 - math.floor(math.log10(sizes[len(sizes) // 2])), 1), 5)


def text_of(value: Any) -> str:
    """A value that is no score as text."""
    if isinstance(value, float):
        return f"{value:g}"
    whole = isinstance(value, Integral) and not isinstance(value, bool)
    return f"{int(value):,}" if whole else str(value)


def _score_columns(table: Table) -> Iterator[Column]:
    """The main space's scores and the second's Fréchet distances."""
    for space, group in zip(table.spaces, ("ours", "second"), strict=False):
        keys = [key for key in space.keys if names.kind(key) in MAIN]
        measured = [key for key in keys if table.runs[key].count()]
        keys = measured if measured or group == "second" else keys
        if group == "second":
            distances = [key for key in keys if names.kind(key) in names.DISTANCES]
            keys = [key for key in distances if names.count(key)] or distances
        for key in keys:
            column = score_column(table.frame, space.evaluator, key, group)
            yield replace(column, bar=True) if key == table.distance else column


def _paper_columns(frame: pd.DataFrame) -> Iterator[Column]:
    for key, (dtype, head) in PAPER.items():
        if key in frame and key not in NEVER and frame[key].notna().any():
            best, bar = PAPER_BEST.get(key, ""), key == "paper_fid5k"
            spread = "paper_is_std" if key == "paper_is_mean" else ""
            yield Column(key, head, "paper", dtype != "string", best, spread, bar=bar)
    for key, (_, head) in (DIFFERENCES | PLACES).items():
        if key in frame and key not in NEVER and frame[key].notna().any():
            yield Column(key, head, "difference", True)


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the paper's names for rows that are no run's, each name said once."""
    if "paper_row" not in frame:
        return frame
    alone = (frame["kind"] == "published") & frame["paper_features"].isna()
    named = {"run": frame["run"].fillna(frame["paper_row"])}
    return frame.assign(**named, paper_row=frame["paper_row"].mask(alone))


def _headings(frame: pd.DataFrame) -> Iterator[str]:
    """The kind of method where it changes, in a table with rows that are the paper's alone."""
    before = ""
    grouped = (frame["kind"] == "published").any()
    for group in frame["paper_group"].fillna("") if grouped else [""] * len(frame):
        yield group if group != before else ""
        before = group


def _counts(runs: pd.DataFrame) -> str:
    rows = runs.dropna(subset=["n_generated"])
    found = rows[["n_generated", "n_reference"]].drop_duplicates()
    if len(found) != 1 or (rows["scored_against"] != rows["dataset"]).any():
        return ""
    generated, reference = found.iloc[0]
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
    if not pd.isna(row["note"]):
        yield "note", str(row["note"])


def _seeds(text: str) -> str:
    return ", ".join(map(str, json.loads(text)))
