"""Tables as files: parquet, CSV and Markdown of the same rows, and every score in one frame."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from gfmn.reporting.display import display
from gfmn.reporting.footnotes import beside_paper, compared, join, made, spaces_of, spreads
from gfmn.reporting.results import ALL_SCORES, Study
from gfmn.reporting.summary import every_score
from gfmn.reporting.tables import Table


def write_tables(study: Study, tables: Mapping[str, Table], to: Path) -> None:
    """Write `<table>.parquet`, `.csv` and `.md`, and every score, into the folder `to`."""
    to.mkdir(parents=True, exist_ok=True)
    frames = {name: table.frame for name, table in tables.items()}
    for name, frame in (frames | {ALL_SCORES: every_score(study)}).items():
        frame.to_parquet(to / f"{name}.parquet", index=False)
        frame.to_csv(to / f"{name}.csv", index=False, lineterminator="\n")
    for name, table in tables.items():
        text = markdown(study, table, study.config.tables[name].title)
        (to / f"{name}.md").write_text(text, encoding="utf-8")


def markdown(study: Study, table: Table, title: str) -> str:
    """The table under its title, what all rows share and what must be said of them below."""
    shown = display(table)
    heads = [f"paper: {c.head}" if c.group == "paper" else c.head for c in shown.columns]
    heads = [c.key if c.evaluator else head for c, head in zip(shown.columns, heads, strict=True)]
    lines = [f"**{title}**", "", _line(heads)]
    lines.append(_line(["---:" if c.numeric else "---" for c in shown.columns]))
    for cells, marks, heading in zip(shown.rows, shown.marks, shown.headings, strict=True):
        if heading:
            lines.append(_line([f"*{heading}*", *[""] * (len(cells) - 1)]))
        texts = [f"**{cell.whole}**" if cell.best else cell.whole for cell in cells]
        beside = f" ({', '.join(text for _, text in marks)})" if marks else ""
        lines.append(_line([texts[0] + beside, *texts[1:]]))
    facts = [f"{head.lower()} {text}" for head, text in shown.common.items()]
    if table.spaces:
        facts += [f"ours scored in the feature space of {spaces_of(table.spaces)}"]
        facts += [shown.counts] if shown.counts else []
        facts += [f"resizer {resizers(table)}"]
    if "paper_fid5k" in table.frame:
        facts.append(compared(study, table))
    notes = [spreads(table.frame, shown.columns), made(table.how, shown.columns)]
    notes += beside_paper(table)
    below = "".join(f" {note}." for note in notes if note)
    return "\n".join([*lines, "", f"All runs: {'; '.join(facts)}.{below}", ""])


def resizers(table: Table) -> str:
    """How images are brought to each evaluator's size."""
    found = [space.resizer for space in table.spaces]
    if len(set(found)) == 1:
        return found[0]
    return join(f"{space.resizer} for {space.evaluator}" for space in table.spaces)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"
