"""The data of the page's tables: those of the report, and all scores by feature space."""

from typing import Any

import pandas as pd

from gfmn.reporting.page.image_store import ImageStore
from gfmn.reporting.page.run_cards import table_cards
from gfmn.reporting.paper import DATASETS, paper_dataset, paper_title
from gfmn.reporting.records import RealScores, RunScores, Scores
from gfmn.reporting.results import REAL_DATA, Study
from gfmn.reporting.score_info import ordered
from gfmn.reporting.score_means import ScoreMean, score_means, score_methods
from gfmn.reporting.tables.display import (
    Column,
    TableView,
    column_cells,
    score_column,
    view_table,
)
from gfmn.reporting.tables.files import resizers
from gfmn.reporting.tables.notes import (
    comparability_note,
    deviation_note,
    method_note,
    network_note,
    paper_notes,
    space_notes,
)
from gfmn.reporting.tables.orders import order_notes
from gfmn.reporting.tables.scored_spaces import ScoredSpace
from gfmn.reporting.tables.table import Table

SMALL_PRINT = {  # column -> columns that are shown in small print in its cells, and their format
    "extractor": {"taps": "{} taps", "features": "{} features"},
    "generator": {"objective": "{}", "batch": "batch {}", "steps": "{} steps", "lr": "lr {}"},
    "paper_row": {"paper_features": "{} features"},
    "run": {"differs": "not the paper’s: {}"},
}
PAPER_FIGURES = {"figure4": "Figure 4"}  # tables by name that are the paper's figures


def report_table(study: Study, store: ImageStore, name: str, table: Table) -> dict[str, Any]:
    """A table of the report with its title, notes and, without a table of the paper, run cards."""
    config, view = study.config.tables[name], view_table(table)
    shown = {column.key for column in view.columns}
    small = {key for over, keys in SMALL_PRINT.items() if over in shown for key in keys}
    columns = [column for column in view.columns if column.key not in small]
    paper = paper_title(config.paper) if config.paper else PAPER_FIGURES.get(name, "")
    relation = f"{'Compared with' if config.paper else 'As'} the paper’s {paper}"
    notes = [deviation_note(table.frame, view.columns), method_note(table.methods, view.columns)]
    if config.paper and any(space.canonical for space in table.spaces):
        notes.append(f"Comparison with the paper: {comparability_note(study, table)}")
    notes += [*space_notes(study, table), *paper_notes(table)]
    return {
        "name": name,
        "title": config.title,
        "label": paper or config.title,
        "relation": relation if paper else "Runs of this study",
        "data": DATASETS[paper_dataset(config.paper or "")],
        "cards": [] if config.paper else table_cards(study, store, config),
        "columns": columns,
        "groups": _column_groups(columns),
        "rows": [_report_row(study, table, view, i, small) for i in range(len(table.frame))],
        "common": view.common,
        "counts": view.counts,
        "orders": order_notes(study, table),
        "spaces": [_space_name(space) for space in table.spaces],
        "resizers": resizers(table) if table.spaces else "",
        "sampling": "; ".join(dict.fromkeys(one for s in table.spaces for one in s.sampling)),
        "notes": [note for note in notes if note],
    }


def _column_groups(columns: list[Column]) -> list[tuple[str, int]]:
    """Neighboring columns of one group, with their number; the first column is its own group.

    It stays where a narrow screen hides the other settings.
    """
    groups = [("first", 1)]
    for column in columns[1:]:
        if groups[-1][0] == column.group:
            groups[-1] = (column.group, groups[-1][1] + 1)
        else:
            groups.append((column.group, 1))
    return groups


def _report_row(
    study: Study, table: Table, view: TableView, i: int, small: set[str]
) -> dict[str, Any]:
    facts, kind = table.frame.iloc[i], view.kinds[i]
    cells = list(zip(view.columns, view.rows[i], strict=True))
    texts = {column.key: cell.text for column, cell in cells if cell.text}
    count = "n_real" if kind == "real" else "n_generated"
    return {
        "cells": [
            (column, cell, _sort_value(facts, column))
            for column, cell in cells
            if column.key not in small
        ],
        "small": {
            over: ", ".join(text.format(texts[k]) for k, text in keys.items() if k in texts)
            for over, keys in SMALL_PRINT.items()
        },
        "marks": view.marks[i],
        "group_heading": view.group_headings[i],
        "kind": kind,
        "run": facts["run"] if kind == "run" else "",
        "beyond": bool(facts["beyond"]),
        "is_scored": kind != "run" or study.runs[facts["run"]].is_scored,
        "n": {space.evaluator: facts[count + space.suffix] for space in table.spaces},
    }


def _sort_value(facts: "pd.Series[Any]", column: Column) -> float | None:
    """What a cell is sorted by, where that is a number."""
    value = facts[column.key]
    return float(value) if column.numeric and not pd.isna(value) else None


def _space_name(space: ScoredSpace) -> str:
    if space.canonical:
        return "in FID’s Inception"
    return f"in {space.evaluator}{', trained here' if space.in_domain else ''}"


def all_score_tables(study: Study) -> list[dict[str, Any]]:
    """By evaluator: every score of every run and of real images, over seeds."""
    return [
        _all_scores(study, evaluator, sorted(files, key=lambda file: isinstance(file, RunScores)))
        for evaluator in study.evaluators
        if (files := study.scores_in(evaluator))
    ]


def _all_scores(study: Study, evaluator: str, files: list[Scores]) -> dict[str, Any]:
    means = [score_means(file) for file in files]
    rows = [_score_row(file, row) for file, row in zip(files, means, strict=True)]
    frame = pd.DataFrame([row["values"] for row in rows])
    infos = {key: mean.info for row in means for key, mean in row.items()}
    columns = [score_column(frame, evaluator, key, infos[key]) for key in ordered(infos)]
    by_column = [column_cells(frame, column) for column in columns]
    for row, cells in zip(rows, zip(*by_column, strict=True), strict=True):
        row["cells"] = list(zip(columns, cells, strict=True))
    runs = [file.run for file in files if isinstance(file, RunScores)]
    notes = [
        deviation_note(frame, columns),
        method_note(score_methods(means), columns),
        network_note(study, runs, evaluator, files[0].architecture),
    ]
    return {
        "evaluator": evaluator,
        "canonical": files[0].canonical,
        "in_domain": files[0].in_domain,
        "architecture": files[0].architecture,
        "resizer": files[0].resizer,
        "columns": columns,
        "rows": rows,
        "notes": [note for note in notes if note],
    }


def _score_row(file: Scores, means: dict[str, ScoreMean]) -> dict[str, Any]:
    name = file.run if isinstance(file, RunScores) else REAL_DATA
    values: dict[str, Any] = {"run": name}
    for key, mean in means.items():
        values[key] = mean.value
        if mean.std is not None:
            values |= {f"{key}_std": mean.std, f"{key}_over": mean.over}
    seeds = [str(seed.seed) for seed in file.seeds if seed.seed is not None]
    return {
        "run": name,
        "is_real": isinstance(file, RealScores),
        "seeds": f"{'seeds' if len(seeds) > 1 else 'seed'} {', '.join(seeds)}" if seeds else "",
        "dataset": file.dataset,
        "n": file.n,
        "n_reference": file.n_reference,
        "values": values,
    }
