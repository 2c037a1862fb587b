"""Which order of two runs their seeds decide, and whether it is the paper's.

A pair of runs is decided where both have the same two or more seeds and their means differ by more
than twice the deviation of the difference, the root of the sum of both variances over seeds.
"""

import math
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import pandas as pd

from gfmn.reporting.formatting import join
from gfmn.reporting.results import Study
from gfmn.reporting.tables.table import Space, Table

DEVIATIONS = 2.0  # of a difference, from which on it decides
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
    "verdict": "string",  # as in the paper, reversed, not decided, or better: <run>
    "reason": "string",  # where it is not decided
    "flattered": "string",  # which of the two are trained on the space's own network
}


def orders_frame(study: Study, tables: Mapping[str, Table]) -> pd.DataFrame:
    """A row a table, space and pair of runs there, by a Fréchet distance, typed as `COLUMNS`.

    Of a table without a table of the paper all pairs; of others those in which both runs have a row
    of the paper and differ in its FID 5K. Runs that are scored against different real images make
    no pair. A flattered run is trained on the space's own network: such a pair proves nothing.
    """
    rows = [
        {"table": name} | pair
        for name, table in tables.items()
        for space in table.spaces
        for pair in _pairs(study, table, space)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def _pairs(study: Study, table: Table, space: Space) -> list[dict[str, Any]]:
    metric = table.distance_in(space)
    found: dict[str, tuple[float, tuple[str, int], pd.Series[float]]] = {}
    for _, row in table.runs.iterrows():
        scores, fid = study.runs[row["run"]].scores(space.evaluator), row.get("paper_fid5k", 0.0)
        if scores is not None and not pd.isna(fid):
            rows = scores.rows[scores.rows["score"] == metric]
            if len(rows):
                images = scores.dataset, scores.n_reference
                found[row["run"]] = fid, images, rows.set_index("seed")["value"]
    pairs = []
    for a, b in combinations(found, 2):
        if found[a][1] == found[b][1] and not (table.paper and found[a][0] == found[b][0]):
            run, other = (b, a) if found[b][0] < found[a][0] else (a, b)
            own = [
                name
                for name in (run, other)
                if study.networks.is_trained_on(study.runs[name].parameters, space.evaluator)
            ]
            pairs.append(
                {"space": space.evaluator, "metric": metric, "run": run, "other": other}
                | {"better_in_paper": run if table.paper else None}
                | {"flattered": ", ".join(own) or None}
                | _compare(run, found[run][2], other, found[other][2], bool(table.paper))
            )
    return pairs


def _compare(
    run: str, values: "pd.Series[float]", other: str, others: "pd.Series[float]", in_paper: bool
) -> dict[str, Any]:
    """The means and deviations over seeds of two runs, and what they decide."""
    (mean, std), (other_mean, other_std) = (
        (float(one.to_numpy().mean()), float(one.to_numpy().std(ddof=1)) if len(one) > 1 else None)
        for one in (values, others)
    )
    difference: float | None = None
    reason: str | None = "one seed"
    if std is not None and other_std is not None:
        difference, deviation = other_mean - mean, math.hypot(std, other_std)
        if difference:
            difference = difference / deviation if deviation else difference * math.inf
        same = set(values.index) == set(others.index)
        within = "within two deviations" if abs(difference) <= DEVIATIONS else None
        reason = within if same else "other seeds"
    verdict = "not decided"
    if reason is None and difference is not None:
        better = run if mean < other_mean else other
        in_order = "as in the paper" if difference > 0 else "reversed"
        verdict = in_order if in_paper else f"better: {better}"
    return {
        **{"mean": mean, "std": std, "n": len(values)},
        **{"other_mean": other_mean, "other_std": other_std, "other_n": len(others)},
        **{"difference_in_deviations": difference, "verdict": verdict, "reason": reason},
    }


def better_and_worse(pair: "pd.Series[Any]") -> tuple[str, str]:
    """The run whose mean distance is less, and the other one."""
    first = pair["mean"] < pair["other_mean"]
    return (pair["run"], pair["other"]) if first else (pair["other"], pair["run"])


def order_notes(study: Study, table: Table) -> list[str]:
    """A sentence a space on how many pairs are decided and how, then the rule; none without pairs.

    Pairs with a run that is trained on the space's own network are not counted there.
    """
    frame = orders_frame(study, {"": table})
    notes = [_note(pairs) for _, pairs in frame.groupby("space", sort=False)]
    rule = (
        "A pair is decided where both runs have the same two or more seeds and their means differ "
        "by more than twice the deviation of the difference"
    )
    return [*notes, rule] if notes else []


def _note(pairs: pd.DataFrame) -> str:
    counted = pairs[pairs["flattered"].isna()]
    decided = counted[counted["reason"].isna()]
    first = pairs.iloc[0]
    text = f"Decided pairs of rows in {first['space']}, by {first['metric']}: "
    text += f"{len(decided)} of {len(counted)}"
    flattered = [name for names in pairs["flattered"].dropna() for name in names.split(", ")]
    if flattered:
        text += f", without those of {join(flattered)}, trained on this very network"
    if not len(decided):
        one_seed = len(counted) and (counted["reason"] == "one seed").all()
        return f"{text}; in each pair a run has one seed" if one_seed else text
    text += f", n = {join(sorted(decided['n'].astype(str)))} seeds; "
    if pd.isna(first["better_in_paper"]):
        return text + join(_sentences(decided))
    reversed_ = decided[decided["verdict"] == "reversed"]
    text += f"{len(decided) - len(reversed_)} as in the paper, {len(reversed_)} reversed"
    return f"{text}: {join(_sentences(reversed_))}" if len(reversed_) else text


def _sentences(pairs: pd.DataFrame) -> list[str]:
    both = [better_and_worse(pair) for _, pair in pairs.iterrows()]
    return [f"{better} is better than {worse}" for better, worse in both]
