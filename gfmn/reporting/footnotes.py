"""What must be said beside numbers: in which space they are, what ± is over, what compares."""

import re
from collections.abc import Iterable, Mapping

import pandas as pd

from gfmn.reporting import names
from gfmn.reporting.beside import DIFFERENCES
from gfmn.reporting.display import Column
from gfmn.reporting.paper import DATASETS, PAPER, paper_dataset, paper_title
from gfmn.reporting.records import RunScores, Scores
from gfmn.reporting.results import Study
from gfmn.reporting.tables import Space, Table

ONLY_ORDERS = "only orders compare"


def join(words: Iterable[str]) -> str:
    """Distinct words as a list in a sentence; empty where there are none."""
    *first, last = dict.fromkeys(words) or {"": None}
    return f"{', '.join(first)} and {last}" if first else last


def spaces_of(spaces: Iterable[Space | Scores]) -> str:
    """Spaces in words, and whether they are Inception's."""
    found = list(spaces)
    own = [f"{space.evaluator}, FID’s own Inception" for space in found if space.canonical]
    others = [space.evaluator for space in found if not space.canonical]
    if len(others) == 1:
        own.append(f"{others[0]}, which is not Inception’s")
    elif others:
        own.append(f"{join(others)}, none of which is Inception’s")
    return ", and of ".join(own)


def spreads(frame: pd.DataFrame, columns: Iterable[Column]) -> str:
    """What the deviations of these columns are over; empty where there are none."""
    seeds, own = False, dict[str, list[str]]()
    for column in columns:
        if column.spread and column.group != "paper":
            for over in frame[f"{column.key}_over"].dropna().unique():
                if re.fullmatch(r"\d+ seeds", over):
                    seeds = True
                elif column.key not in own.setdefault(over, []):
                    own[over].append(column.key)
    parts = join(f"over {over} ({', '.join(keys)})" for over, keys in own.items()) if own else ""
    alone = f"the score’s own deviation, {parts}"
    if not seeds:
        return f"± is {alone}" if own else ""
    several = "± is the standard deviation (n − 1) over seeds where a run has several"
    return f"{several}, and else {alone}" if own else several


def made(how: Mapping[str, str], columns: Iterable[Column]) -> str:
    """How the scores of these columns without an own deviation were made, where a file says it."""
    ways: dict[str, list[str]] = {}
    for column in columns:
        if column.key in how:
            ways.setdefault(how[column.key], []).append(column.key)
    return "; ".join(f"{', '.join(keys)}: {how}" for how, keys in ways.items())


def conditions(found: Iterable[Scores]) -> str:
    """Data, counts and resizer of runs' scores, each combination once."""
    words = (
        f"{one.dataset}, {one.n:,} generated against {one.n_reference:,} real, {one.resizer}"
        for one in found
        if isinstance(one, RunScores)
    )
    return " or ".join(dict.fromkeys(words))


def compared(study: Study, table: Table) -> str:
    """Which of a table's scores compare with the paper's figures beside them, and how far."""
    others = [space.evaluator for space in table.spaces if not space.canonical]
    own = [space.evaluator for space in table.spaces if space.canonical]
    dataset = DATASETS[paper_dataset(table.paper or "")]
    if not own:
        return f"the paper’s figures are for {dataset} with Inception; {ONLY_ORDERS}"
    runs = [study.runs[run].scores(name) for run in table.runs["run"] for name in own]
    here = conditions(filter(None, runs))
    text = (
        "FID and IS are taken here in FID’s own Inception and compare with the paper’s as far as "
        f"data set, number of images and resizer agree: here {here}; there {dataset}, with 5,000 "
        "and 50,000 generated"
    )
    return f"{text}; of the scores in {join(others)} {ONLY_ORDERS}" if others else text


def beside_paper(table: Table) -> list[str]:
    """What the columns and the rows that stand beside the paper's are, a sentence each."""
    frame, said = table.frame, []
    if any(key in frame and frame[key].notna().any() for key in DIFFERENCES):
        spaces = [space for space in table.spaces if space.canonical]
        of = [key for space in spaces for key in space.keys if names.kind(key) == "is"]
        scores = f"FID of as many generated images, IS by {join(of)}" if of else "FID"
        said.append(f"Differences are ours minus the paper’s: {scores}")
    if "places" in frame and (counts := frame["places"].dropna()).any():
        here = f"here by {table.distance}, there by the paper’s FID 5K"
        said.append(f"Places are among the {counts.iloc[0]} runs that have both, {here}")
    if table.paper and (frame["kind"] == "published").any():
        title = paper_title(table.paper)
        numbers = "; [n] is the work that it names for them" if "table4" in table.paper else ""
        said.append(f"Rows marked as published are constants from {title} of {PAPER}{numbers}")
    return said
