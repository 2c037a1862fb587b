"""Results as files: tables as parquet, CSV and Markdown, every score, and the summary of runs."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from gfmn.common.text import csv_cell, markdown
from gfmn.reporting.config import ALL_SCORES, CONVERGENCE, ORDERS
from gfmn.reporting.records import CLASS_SCORES, DISTANCES
from gfmn.reporting.results import Study
from gfmn.reporting.tables.cells import view_table
from gfmn.reporting.tables.frames import all_scores, convergence
from gfmn.reporting.tables.notes import table_notes
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
            kinds, values = scores.means["kind"], scores.means["value"]
            firsts = [values[kinds.isin(one)].head(1) for one in (DISTANCES, CLASS_SCORES)]
            summary[run.name] = {str(key): value for one in firsts for key, value in one.items()}
    return summary


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


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(markdown(cell).replace("|", r"\|") for cell in cells) + " |"
