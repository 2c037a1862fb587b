"""Which order of two runs their seeds decide, and whether it is the paper's.

A pair of runs is decided where both have the same two or more seeds and their means differ by more
than twice the deviation of the difference, the root of the sum of both variances over seeds.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from gfmn.reporting.formatting import join
from gfmn.reporting.records import RunScores
from gfmn.reporting.results import Study
from gfmn.reporting.tables.scored_spaces import ScoredSpace
from gfmn.reporting.tables.table import Table

DEVIATIONS = 2.0  # of a difference, from which on it decides
AS_IN_THE_PAPER, REVERSED, NOT_DECIDED = "as in the paper", "reversed", "not decided"
ONE_SEED = "one seed"
COLUMNS = {  # name -> dtype
    "table": "string",
    "space": "string",
    "metric": "string",
    "run": "string",  # of the two, the better one in the paper, where that has an order
    "other": "string",
    "better_in_paper": "string",
    "mean": "Float64",  # of `run`, as the deviation over seeds and their number
    "std": "Float64",
    "n": "Int64",
    "other_mean": "Float64",
    "other_std": "Float64",
    "other_n": "Int64",
    "difference_in_deviations": "Float64",  # other minus run: positive where `run` is better
    "verdict": "string",
    "reason": "string",  # where it is not decided
    "flattered": "string",  # which of the two are trained on the space's own network
}


@dataclass(frozen=True)
class OrderedPair:
    """Two runs of a table in one feature space, by a Fréchet distance there.

    Where the paper has an order, `run` is the better one there. `values` and `other_values` are by
    seed. Flattered runs are trained on the space's own network, so a pair with one proves nothing.
    """

    space: str
    metric: str
    run: str
    other: str
    in_paper: bool
    values: Mapping[int | None, float]
    other_values: Mapping[int | None, float]
    flattered: tuple[str, ...]

    @property
    def difference(self) -> float | None:
        """Other minus run, in deviations of the difference; None with one seed."""
        std, other_std = _std(self.values), _std(self.other_values)
        if std is None or other_std is None:
            return None
        difference = _mean(self.other_values) - _mean(self.values)
        deviation = math.hypot(std, other_std)
        return difference / deviation if deviation else difference * math.inf if difference else 0.0

    @property
    def reason(self) -> str | None:
        """Why the pair is not decided; None where it is."""
        if 1 in (len(self.values), len(self.other_values)):
            return ONE_SEED
        if self.values.keys() != self.other_values.keys():
            return "other seeds"
        difference = self.difference
        within = difference is None or abs(difference) <= DEVIATIONS
        return "within two deviations" if within else None

    @property
    def verdict(self) -> str:
        """As in the paper, reversed, or the better run's name where the paper has no order."""
        if self.reason or self.difference is None:
            return NOT_DECIDED
        if self.in_paper:
            return AS_IN_THE_PAPER if self.difference > 0 else REVERSED
        return f"better: {self.better}"

    @property
    def better(self) -> str:
        """The run whose mean distance is less."""
        is_better = _mean(self.values) < _mean(self.other_values)
        return self.run if is_better else self.other

    @property
    def worse(self) -> str:
        """The other one."""
        return self.other if self.better == self.run else self.run


def ordered_pairs(study: Study, table: Table) -> list[OrderedPair]:
    """The pairs of a table's runs by feature space: those that differ in the paper, or else all.

    All pairs are those of a table without a table of the paper. Of others, both runs need a row of
    the paper. Runs that are scored against different real images make no pair.
    """
    return [pair for space in table.spaces for pair in _pairs_in(study, table, space)]


def _pairs_in(study: Study, table: Table, space: ScoredSpace) -> Iterator[OrderedPair]:
    metric = table.distance_in(space)
    if metric is None:
        return
    in_paper = table.paper is not None
    found: list[tuple[str, float, RunScores, dict[int | None, float]]] = []
    for _, row in table.runs.iterrows():
        scores = study.runs[row["run"]].scores(space.evaluator)
        fid = row["paper_fid5k"] if in_paper else 0.0
        if scores is None or pd.isna(fid):
            continue
        seeds = {s.seed: s.scores[metric].value for s in scores.seeds if metric in s.scores}
        if seeds:
            found.append((row["run"], fid, scores, seeds))
    flattered = [
        name
        for name, *_ in found
        if study.networks.is_trained_on(study.runs[name].parameters, space.evaluator)
    ]
    for a, b in combinations(found, 2):
        same_images = (a[2].dataset, a[2].n_reference) == (b[2].dataset, b[2].n_reference)
        if not same_images or (in_paper and a[1] == b[1]):
            continue
        (run, _, _, values), (other, _, _, other_values) = (b, a) if b[1] < a[1] else (a, b)
        own = tuple(name for name in (run, other) if name in flattered)
        yield OrderedPair(space.evaluator, metric, run, other, in_paper, values, other_values, own)


def orders_frame(study: Study, tables: Mapping[str, Table]) -> pd.DataFrame:
    """A row a table, space and pair, typed as `COLUMNS`."""
    rows = [
        {
            "table": name,
            "space": pair.space,
            "metric": pair.metric,
            "run": pair.run,
            "other": pair.other,
            "better_in_paper": pair.run if pair.in_paper else None,
            "mean": _mean(pair.values),
            "std": _std(pair.values),
            "n": len(pair.values),
            "other_mean": _mean(pair.other_values),
            "other_std": _std(pair.other_values),
            "other_n": len(pair.other_values),
            "difference_in_deviations": pair.difference,
            "verdict": pair.verdict,
            "reason": pair.reason,
            "flattered": ", ".join(pair.flattered) or None,
        }
        for name, table in tables.items()
        for pair in ordered_pairs(study, table)
    ]
    return pd.DataFrame(
        {key: pd.Series([row[key] for row in rows], dtype=COLUMNS[key]) for key in COLUMNS}
    )


def order_notes(study: Study, table: Table) -> list[str]:
    """A sentence a space on how many pairs are decided and how, then the rule; none without pairs.

    Pairs with a run that is trained on the space's own network are not counted there.
    """
    by_space: dict[str, list[OrderedPair]] = {}
    for pair in ordered_pairs(study, table):
        by_space.setdefault(pair.space, []).append(pair)
    notes = [_note(pairs) for pairs in by_space.values()]
    rule = (
        "A pair is decided where both runs have the same two or more seeds and their means differ "
        "by more than twice the deviation of the difference"
    )
    return [*notes, rule] if notes else []


def _note(pairs: list[OrderedPair]) -> str:
    counted = [pair for pair in pairs if not pair.flattered]
    decided = [pair for pair in counted if pair.verdict != NOT_DECIDED]
    text = f"Decided pairs of rows in {pairs[0].space}, by {pairs[0].metric}: "
    text += f"{len(decided)} of {len(counted)}"
    if flattered := join(name for pair in pairs for name in pair.flattered):
        text += f", without those of {flattered}, trained on this very network"
    if not decided:
        one_seed = counted and all(pair.reason == ONE_SEED for pair in counted)
        return f"{text}; in each pair a run has one seed" if one_seed else text
    text += f", n = {join(sorted({str(len(pair.values)) for pair in decided}))} seeds; "
    if not pairs[0].in_paper:
        return text + join(f"{pair.better} is better than {pair.worse}" for pair in decided)
    reversed_ = [pair for pair in decided if pair.verdict == REVERSED]
    text += f"{len(decided) - len(reversed_)} as in the paper, {len(reversed_)} reversed"
    names = join(f"{pair.better} is better than {pair.worse}" for pair in reversed_)
    return f"{text}: {names}" if names else text


def _mean(values: Mapping[int | None, float]) -> float:
    return float(np.mean(list(values.values())))


def _std(values: Mapping[int | None, float]) -> float | None:
    return float(np.std(list(values.values()), ddof=1)) if len(values) > 1 else None
