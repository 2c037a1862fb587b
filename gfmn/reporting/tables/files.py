"""Results as files: tables as parquet, CSV and Markdown, every score, and the summary of runs."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from gfmn.common.text import csv_cell, markdown
from gfmn.reporting.config import ALL_SCORES, CONVERGENCE, ORDERS
from gfmn.reporting.formatting import join
from gfmn.reporting.records import Scores
from gfmn.reporting.results import Study
from gfmn.reporting.score_info import CLASS_SCORES, DISTANCES
from gfmn.reporting.score_means import score_means
from gfmn.reporting.tables.all_scores import all_scores
from gfmn.reporting.tables.convergence import convergence, convergence_note
from gfmn.reporting.tables.display import view_table
from gfmn.reporting.tables.notes import (
    comparability_note,
    deviation_note,
    method_note,
    paper_notes,
    space_names,
    space_notes,
)
from gfmn.reporting.tables.orders import order_notes, orders_frame
from gfmn.reporting.tables.table import Table


def write_tables(study: Study, tables: Mapping[str, Table], folder: Path) -> None:
    """Write `<table>.parquet`, `.csv` and `.md`, and what no table has, into a folder.

    That is `scores`, every score; `orders`, every pair of runs; `convergence`, of every loss.
    """
    folder.mkdir(parents=True, exist_ok=True)
    frames = {name: table.frame for name, table in tables.items()}
    frames |= {ALL_SCORES: all_scores(study), ORDERS: orders_frame(study, tables)}
    frames[CONVERGENCE] = convergence(study)
    for name, frame in frames.items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)
        texts = frame.select_dtypes(["object", "string"])
        shown = frame.assign(**{str(key): texts[key].map(csv_cell) for key in texts})
        shown.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    for name, table in tables.items():
        text = markdown_table(study, table, study.config.tables[name].title)
        (folder / f"{name}.md").write_text(text, encoding="utf-8")


def run_summary(study: Study) -> dict[str, dict[str, float]]:
    """One distance and one score a run, for `dvc metrics` and `dvc exp show`: means over seeds.

    They are those of fewest images, which all rows have, in the run's first space with scores. A
    run without scores is left out; the real images are not a run.
    """
    summary = {}
    for run in study.runs.values():
        scores = next((one.scores for one in run.evaluations if one.scores), None)
        if scores:
            summary[run.name] = _main_scores(scores)
    return summary


def _main_scores(scores: Scores) -> dict[str, float]:
    means = score_means(scores)
    keys = [
        next((key for key, mean in means.items() if mean.info.kind in kinds), None)
        for kinds in (DISTANCES, CLASS_SCORES)
    ]
    return {key: means[key].value for key in keys if key}


def markdown_table(study: Study, table: Table, title: str) -> str:
    """The table under its title; below it what all rows share, and its notes."""
    view = view_table(table)
    headings = []
    for column in view.columns:
        paper = "paper: " if column.group == "paper" else ""
        headings.append(column.key if column.evaluator else f"{paper}{column.heading}")
    lines = [f"**{markdown(title)}**", "", _line(headings)]
    lines.append(_line(["---:" if column.numeric else "---" for column in view.columns]))
    for cells, marks, heading in zip(view.rows, view.marks, view.group_headings, strict=True):
        if heading:
            lines.append(_line([f"*{heading}*", *[""] * (len(cells) - 1)]))
        texts = [f"**{c.text_with_std}**" if c.best else c.text_with_std for c in cells]
        remarks = f" ({', '.join(text for _, text in marks)})" if marks else ""
        lines.append(_line([texts[0] + remarks, *texts[1:]]))
    facts, *notes = table_notes(study, table)
    below = "".join(f" {note}." for note in notes)
    orders = [f"- {note}." for note in order_notes(study, table)]
    orders = [*orders, ""] if orders else []
    return "\n".join([*lines, "", *orders, f"All runs: {facts}.{below}", ""])


def table_notes(study: Study, table: Table) -> list[str]:
    """What all rows share, then what the numbers are: sentences without their periods."""
    view = view_table(table)
    facts = [f"{heading.lower()} {text}" for heading, text in view.common.items()]
    if table.spaces:
        facts += [f"ours scored in the feature space of {space_names(table.spaces)}"]
        facts += [view.counts] if view.counts else []
        facts += [f"resizer {resizers(table)}"]
    if "paper_fid5k" in table.frame:
        facts.append(comparability_note(study, table))
    notes = [deviation_note(table.frame, view.columns), method_note(table.methods, view.columns)]
    notes += [*space_notes(study, table), *paper_notes(table), *row_notes(table)]
    notes.append(convergence_note(study, table.runs["run"]).removesuffix("."))
    return ["; ".join(facts), *filter(None, notes)]


def row_notes(table: Table) -> list[str]:
    """For each run of a table like the paper's: its row there, and which settings are others."""
    notes = []
    for _, row in table.runs.iterrows() if table.paper else ():
        label = row["paper_row"]
        compared = "" if pd.isna(label) else f" is compared with the paper’s “{label}”;"
        notes.append(f"{row['run']}{compared} not the paper’s: {row['differs']}")
    return notes


def resizers(table: Table) -> str:
    """How images are brought to each evaluator's size."""
    distinct = {space.resizer for space in table.spaces}
    if len(distinct) == 1:
        return distinct.pop()
    return join(f"{space.resizer} for {space.evaluator}" for space in table.spaces)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(markdown(cell).replace("|", r"\|") for cell in cells) + " |"
