"""Notes that belong to numbers: their feature space, what ± is over, what compares."""

import re
from collections.abc import Iterable, Mapping

import pandas as pd

from gfmn.reporting.formatting import join
from gfmn.reporting.paper import DATASETS, PAPER, paper_dataset, paper_title
from gfmn.reporting.records import RunScores, Scores
from gfmn.reporting.results import Study
from gfmn.reporting.tables.display import Column
from gfmn.reporting.tables.paper_comparison import DIFFERENCES
from gfmn.reporting.tables.scored_spaces import ScoredSpace
from gfmn.reporting.tables.table import Table

ONLY_ORDERS = "only orders compare"


def space_names(spaces: Iterable[ScoredSpace]) -> str:
    """The evaluators' names, and which of them is FID's own Inception."""
    spaces = list(spaces)
    parts = [f"{space.evaluator}, FID’s own Inception" for space in spaces if space.canonical]
    others = [space.evaluator for space in spaces if not space.canonical]
    if len(others) == 1:
        parts.append(f"{others[0]}, which is not Inception’s")
    elif others:
        parts.append(f"{join(others)}, none of which is Inception’s")
    return ", and of ".join(parts)


def deviation_note(frame: pd.DataFrame, columns: Iterable[Column]) -> str:
    """What the deviations in these columns are over; empty where there are none."""
    over_seeds, keys_by_over = set[int](), dict[str, list[str]]()
    for column in columns:
        if column.std and column.group != "paper":
            for over in frame[f"{column.key}_over"].dropna().unique():
                if count := re.fullmatch(r"(\d+) seeds", over):
                    over_seeds.add(int(count[1]))
                elif column.key not in keys_by_over.setdefault(over, []):
                    keys_by_over[over].append(column.key)
    parts = join(f"over {over} ({', '.join(keys)})" for over, keys in keys_by_over.items())
    own = f"the score’s own deviation, {parts}"
    if not over_seeds:
        return f"± is {own}" if parts else ""
    counts = " or ".join(map(str, sorted(over_seeds)))
    seeds = f"± is the standard deviation (n − 1) over seeds where a run has several, n = {counts}"
    return f"{seeds}; else it is {own}" if parts else seeds


def method_note(methods: Mapping[str, str], columns: Iterable[Column]) -> str:
    """How the scores in these columns without a deviation of their own were computed."""
    keys_by_method: dict[str, list[str]] = {}
    for column in columns:
        if column.key in methods:
            keys_by_method.setdefault(methods[column.key], []).append(column.key)
    return "; ".join(f"{', '.join(keys)}: {method}" for method, keys in keys_by_method.items())


def scoring_conditions(scores: Iterable[Scores]) -> str:
    """Data set, counts and resizer of runs' scores, each combination once."""
    texts = (
        f"{one.dataset}, {one.n:,} generated against {one.n_reference:,} real, {one.resizer}"
        for one in scores
        if isinstance(one, RunScores)
    )
    return " or ".join(dict.fromkeys(texts))


def network_note(study: Study, runs: Iterable[str], evaluator: str, architecture: str) -> str:
    """Which runs match an evaluator's own network, or one of its family; empty where none does.

    `runs`: names; `architecture`: the evaluator's.
    """
    parameters = {run: study.runs[run].parameters for run in runs}
    own = [run for run, p in parameters.items() if study.networks.is_trained_on(p, evaluator)]
    parts = []
    if own:
        parts.append(f"flatters {join(own)}, trained on this very network")
    related: dict[str, list[str]] = {}
    for run, p in parameters.items():
        for network in study.networks.related(p, evaluator, architecture):
            related.setdefault(network, []).append(run)
    for network, names in related.items():
        parts.append(f"may favor {join(names)}, for {network} is of the same family")
    return f"The space of {evaluator} ({architecture}) {join(parts)}" if parts else ""


def space_notes(study: Study, table: Table) -> list[str]:
    """The notes on the networks of a table's spaces, those that there are."""
    runs = list(table.runs["run"])
    notes = [network_note(study, runs, s.evaluator, s.architecture) for s in table.spaces]
    return [note for note in notes if note]


def comparability_note(study: Study, table: Table) -> str:
    """Which of a table's scores compare with the paper's scores, and how far."""
    others = [space.evaluator for space in table.spaces if not space.canonical]
    canonical = [space.evaluator for space in table.spaces if space.canonical]
    dataset = DATASETS[paper_dataset(table.paper or "")]
    if not canonical:
        return f"the paper’s figures are for {dataset} with Inception; {ONLY_ORDERS}"
    scores = [study.runs[run].scores(name) for run in table.runs["run"] for name in canonical]
    here = scoring_conditions(filter(None, scores))
    text = (
        "FID and IS are taken here in FID’s own Inception and compare with the paper’s as far as "
        f"data set, number of images and resizer agree: here {here}; in the paper {dataset}, with "
        "5,000 and 50,000 generated"
    )
    return f"{text}; of the scores in {join(others)} {ONLY_ORDERS}" if others else text


def paper_notes(table: Table) -> list[str]:
    """What the differences, the ranks and the published rows are, a sentence each."""
    frame, notes = table.frame, []
    if any(key in frame and frame[key].notna().any() for key in DIFFERENCES):
        infos = [item for s in table.spaces if s.canonical for item in s.scores.items()]
        inception_scores = join(key for key, info in infos if info.kind == "is")
        of_is = f" of as many generated images, IS by {inception_scores}"
        notes.append(
            f"Differences are ours minus the paper’s: FID{of_is if inception_scores else ''}"
        )
    if "places" in frame and (counts := frame["places"].dropna()).any():
        by = f"here by {table.distance}, in the paper by FID 5K"
        notes.append(f"Ranks are among the {counts.iloc[0]} runs that have both, {by}")
    if table.paper and (frame["kind"] == "published").any():
        title = paper_title(table.paper)
        sources = "; [n] is the work that it cites for them" if "table4" in table.paper else ""
        notes.append(f"Rows marked as published are constants from {title} of {PAPER}{sources}")
        if others := [space.evaluator for space in table.spaces if not space.canonical]:
            notes.append(
                "The published scores are in Inception’s features and ours "
                f"{'also ' if len(others) < len(table.spaces) else ''}in those of {join(others)}: "
                "numbers of two spaces do not compare"
            )
    return notes
