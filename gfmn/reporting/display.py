"""How a table's frame is shown to a reader: its columns' headings, its cells as text.

A score's column is named as its metrics file names it, with evaluator and sample count, such as
`fd_lite2_5k`; the paper's columns begin with `paper_` and are on CIFAR-10 in Inception's space.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import pandas as pd

REAL = "Real data"
SETTINGS = {  # column -> dtype and heading
    "run": ("string", "Run"),
    "status": ("string", "Status"),
    "beyond": ("boolean", "Beyond the paper"),
    "note": ("string", "Note"),
    "dataset": ("string", "Data set"),
    "extractor": ("string", "Extractor"),
    "networks": ("string", "Networks"),
    "taps": ("Int64", "Taps"),
    "features": ("Int64", "Features"),
    "generator": ("string", "Generator"),
    "objective": ("string", "Objective"),
    "batch": ("Int64", "Minibatch"),
    "steps": ("Int64", "Steps"),
    "lr": ("Float64", "lr"),
    "seed": ("Int64", "Seed"),
}
COUNTS = {
    "evaluator": ("string", "Evaluator"),
    "n_generated": ("Int64", "n generated"),
    "n_reference": ("Int64", "n reference"),
}
PAPER = {
    "paper_row": ("string", "Row"),
    "paper_features": ("string", "Features"),
    "paper_is_mean": ("Float64", "IS"),
    "paper_is_std": ("Float64", "±"),
    "paper_fid5k": ("Float64", "FID 5K"),
    "paper_fid50k": ("Float64", "FID 50K"),
}
FIELDS = {**SETTINGS, **COUNTS, **PAPER}
ALWAYS = ("run",)
NEVER = (
    "status",
    "beyond",
    "note",
    "networks",
    "evaluator",
    "paper_is_std",
)  # not as columns


@dataclass(frozen=True)
class Column:
    """How a column is shown: `group` is setting, ours or paper; `best` is min, max or none."""

    key: str
    head: str
    group: str
    numeric: bool
    best: str = ""
    spread: str = ""  # the column that holds its deviation


@dataclass(frozen=True)
class Cell:
    """A value as text, whether it is its column's best, and its share of the column's largest."""

    text: str
    best: bool = False
    share: float | None = None


@dataclass(frozen=True)
class Display:
    """What a reader sees of a frame: what varies as columns, what does not as `common`."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    common: dict[str, str]


def display(frame: pd.DataFrame) -> Display:
    """Choose columns and format cells; the best value of a score leaves real data out."""
    runs = frame[frame["run"] != REAL]
    columns, common = [], {}
    for key in frame.columns:
        dtype, head = FIELDS.get(key, ("Float64", key.removesuffix("_mean")))
        if key in NEVER or key.endswith("_std") or frame[key].isna().all():
            continue
        values = list(dict.fromkeys(runs[key].dropna()))
        if key in SETTINGS and key not in ALWAYS and len(values) < 2 and len(runs) > 1:
            if values:
                common[head] = _text(values[0])
            continue
        spread = key.removesuffix("_mean") + "_std"
        columns.append(
            Column(
                key=key,
                head=head,
                group="paper" if key in PAPER else "setting" if key in SETTINGS else "ours",
                numeric=dtype != "string",
                best=_best(key),
                spread=spread if spread in frame else "",
            )
        )
    cells = [_cells(frame, column) for column in columns]
    return Display(tuple(columns), tuple(zip(*cells, strict=True)), common)


def markdown(frame: pd.DataFrame, title: str) -> str:
    """The frame as a Markdown table under its title, what all rows share in a line below."""
    shown = display(frame)
    flags = zip(frame["status"], frame["beyond"].fillna(False), frame["note"], strict=True)
    heads = [f"paper: {c.head}" if c.group == "paper" else c.head for c in shown.columns]
    lines = [f"**{title}**", "", _line(heads)]
    lines.append(_line(["---:" if c.numeric else "---" for c in shown.columns]))
    for cells, (status, beyond, note) in zip(shown.rows, flags, strict=True):
        texts = [f"**{cell.text}**" if cell.best else cell.text for cell in cells]
        marks = [status if status != "scored" else "", "beyond the paper" if beyond else ""]
        marks = [mark for mark in [*marks, "" if pd.isna(note) else note] if mark]
        lines.append(_line([f"{texts[0]} ({', '.join(marks)})" if marks else texts[0], *texts[1:]]))
    facts = [f"{head.lower()} {text}" for head, text in shown.common.items()]
    if evaluators := ", ".join(frame["evaluator"].dropna().unique()):
        facts.append(f"ours scored in the feature space of {evaluators}, which is not Inception's")
    if "paper_fid5k" in frame:
        facts.append("the paper's figures are for CIFAR-10 with Inception; only orders compare")
    return "\n".join([*lines, "", f"All rows: {'; '.join(facts)}.", ""])


def number(value: float, decimals: int) -> str:
    """A number with thousands separated and a true minus sign."""
    return f"{value:,.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def decimals_for(values: Iterable[float]) -> int:
    """Decimals that give a column about four significant digits, by its median."""
    sizes = sorted(abs(v) for v in values if math.isfinite(v) and v)
    if not sizes:
        return 1
    return min(max(3 - math.floor(math.log10(sizes[len(sizes) // 2])), 1), 5)


def _best(key: str) -> str:
    if key.startswith(("fd_", "paper_fid")):
        return "min"
    return "max" if key.startswith(("score_", "paper_is")) else ""


def _cells(frame: pd.DataFrame, column: Column) -> list[Cell]:
    values = frame[column.key]
    if not column.best:
        return [Cell("" if pd.isna(value) else _text(value)) for value in values]
    mine = values[frame["run"] != REAL].dropna()
    best = (mine.min() if column.best == "min" else mine.max()) if len(mine) > 1 else None
    places = decimals_for(mine) if column.group == "ours" else 1
    if column.spread:
        places = 2
    cells = []
    for i, value in enumerate(values):
        if pd.isna(value):
            cells.append(Cell(""))
            continue
        text = number(value, places)
        if column.spread and not pd.isna(frame[column.spread].iloc[i]):
            text += f" ± {number(frame[column.spread].iloc[i], places)}"
        share = value / values.max() if column.best == "min" and values.max() > 0 else None
        is_real = frame["run"].iloc[i] == REAL
        cells.append(Cell(text, best=bool(value == best and not is_real), share=share))
    return cells


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return (
        f"{int(value):,}"
        if isinstance(value, Integral) and not isinstance(value, bool)
        else str(value)
    )


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"
