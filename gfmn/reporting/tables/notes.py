"""Notes that belong to numbers: their feature space, what ± is over, what compares."""

import re
from collections.abc import Iterable, Mapping

import pandas as pd

from gfmn.reporting.formatting import join
from gfmn.reporting.paper import DATASETS, PAPER, paper_dataset, paper_title
from gfmn.reporting.records import RunScores, Scores
from gfmn.reporting.results import Study
from gfmn.reporting.tables.cells import Column, view_table
from gfmn.reporting.tables.frames import convergence
from gfmn.reporting.tables.table import DIFFERENCES, Table

ONLY_ORDERS = "only orders compare"


def table_notes(study: Study, table: Table) -> list[str]:
    """What all rows share, then what the numbers are: sentences without their periods."""
    view = view_table(table)
    facts = [f"{heading.lower()} {text}" for heading, text in view.common.items()]
    if table.spaces:
        facts += [f"ours scored in the feature space of {_space_names(table)}"]
        facts += [view.counts] if view.counts else []
        facts += [f"resizer {_resizers(table)}"]
    if table.paper:
        facts.append(_comparability(study, table))
    methods = {key: method for space in table.spaces for key, method in space.methods.items()}
    notes = [deviation_note(table.frame, view.columns), method_note(methods, view.columns)]
    runs = list(table.runs["run"])
    notes += [network_note(study, runs, s.evaluator, s.architecture) for s in table.spaces]
    notes += [*_paper_notes(table), *_row_notes(table), _convergence_note(study, runs)]
    return ["; ".join(facts), *filter(None, notes)]


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
    parts = [f"flatters {join(own)}, trained on this very network"] if own else []
    related: dict[str, list[str]] = {}
    for run, p in parameters.items():
        for network in study.networks.related(p, evaluator, architecture):
            related.setdefault(network, []).append(run)
    for network, names in related.items():
        parts.append(f"may favor {join(names)}, for {network} is of the same family")
    return f"The space of {evaluator} ({architecture}) {join(parts)}" if parts else ""


def _space_names(table: Table) -> str:
    """The evaluators' names, and which of them is FID's own Inception."""
    parts = [f"{space.evaluator}, FID’s own Inception" for space in table.spaces if space.canonical]
    others = [space.evaluator for space in table.spaces if not space.canonical]
    which = "which is not Inception’s" if len(others) == 1 else "none of which is Inception’s"
    return ", and of ".join([*parts, f"{join(others)}, {which}"] if others else parts)


def _resizers(table: Table) -> str:
    """How images are brought to each evaluator's size."""
    distinct = {space.resizer for space in table.spaces}
    if len(distinct) == 1:
        return distinct.pop()
    return join(f"{space.resizer} for {space.evaluator}" for space in table.spaces)


def _comparability(study: Study, table: Table) -> str:
    """Which of a table's scores compare with the paper's scores, and how far."""
    others = [space.evaluator for space in table.spaces if not space.canonical]
    canonical = [space.evaluator for space in table.spaces if space.canonical]
    dataset = DATASETS[paper_dataset(table.paper or "")]
    if not canonical:
        return f"the paper’s figures are for {dataset} with Inception; {ONLY_ORDERS}"
    scores = [study.runs[run].scores(name) for run in table.runs["run"] for name in canonical]
    text = (
        "FID and IS are taken here in FID’s own Inception and compare with the paper’s as far as "
        "data set, number of images and resizer agree: here "
        f"{scoring_conditions(filter(None, scores))}; in the paper {dataset}, with "
        "5,000 and 50,000 generated"
    )
    return f"{text}; of the scores in {join(others)} {ONLY_ORDERS}" if others else text


def _paper_notes(table: Table) -> list[str]:
    """What the differences, the ranks and the published rows are, a sentence each."""
    frame, notes = table.frame, []
    if any(key in frame and frame[key].notna().any() for key in DIFFERENCES):
        scores = [space.scores for space in table.spaces if space.canonical]
        keys = join(key for one in scores for key in one.index[one["kind"] == "is"])
        of_is = f" of as many generated images, IS by {keys}" if keys else ""
        notes.append(f"Differences are ours minus the paper’s: FID{of_is}")
    if "places" in frame and (counts := frame["places"].dropna()).any():
        by = f"here by {table.distance}, in the paper by FID 5K"
        notes.append(f"Ranks are among the {counts.iloc[0]} runs that have both, {by}")
    if table.paper and (frame["kind"] == "published").any():
        title = paper_title(table.paper)
        sources = "; [n] is the work that it cites for them" if "table4" in table.paper else ""
        notes.append(f"Rows marked as published are constants from {title} of {PAPER}{sources}")
        if others := [space.evaluator for space in table.spaces if not space.canonical]:
            also = "also " if len(others) < len(table.spaces) else ""
            notes.append(
                f"The published scores are in Inception’s features and ours {also}in those of "
                f"{join(others)}: numbers of two spaces do not compare"
            )
    return notes


def _row_notes(table: Table) -> list[str]:
    """For each run of a table like the paper's: its row there, and which settings are others."""
    notes = []
    for _, row in table.runs.iterrows() if table.paper else ():
        label = row["paper_row"]
        compared = "" if pd.isna(label) else f" is compared with the paper’s “{label}”;"
        notes.append(f"{row['run']}{compared} not the paper’s: {row['differs']}")
    return notes


def _convergence_note(study: Study, runs: Iterable[str]) -> str:
    """By how much the runs' losses fell and swung, of the seeds that did so least well."""
    worst = convergence(study).groupby("run").agg({"fall": "min", "swing": "max"})
    shown = worst.reindex([run for run in runs if run in worst.index])
    parts = [f"{run} {fall:.3g} ({swing:.2g})" for run, fall, swing in shown.itertuples()]
    text = (
        "From the first point to the last the loss fell by the factor, and in its last third it "
        f"swung by the factor in brackets, of the worst seed: {', '.join(parts)}"
    )
    return text if parts else ""
