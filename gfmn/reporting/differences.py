"""Two studies' scores run by run: differences where one measure took both, else why not."""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.reporting import names
from gfmn.reporting.record import flat
from gfmn.reporting.sides import Side

MAIN = ("fid", "fd", "is", "score", "precision", "recall")  # kinds of score
SAME = {  # what two scores must share, column and words
    "evaluator_digest": "evaluator",
    "architecture": "architecture",
    "resizer": "resizer",
    "dataset_digest": "data set",
    "n_generated": "n generated",
    "n_real": "n real",
    "n_reference": "n reference",
    "over": "made over",
}
DIGEST = 12  # characters of a digest that are shown

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Value:
    """One run's score over its seeds; `std` (n - 1) where there are several."""

    metric: str
    mean: float
    std: float | None
    seeds: tuple[int, ...]
    facts: Facts  # the columns of `SAME`, where they are known

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        seeds = list(self.seeds)
        return {"metric": self.metric, "value": self.mean, "std": self.std, "seeds": seeds} | dict(
            self.facts
        )


@dataclass(frozen=True)
class Pair:
    """A run's score on two sides; `why` says what keeps them from being compared."""

    run: str
    dataset: str
    evaluator: str
    a: Value | None
    b: Value | None
    why: str = ""

    @property
    def metric(self) -> str:
        """The score's name; both where the sides have it of other numbers of images."""
        return " / ".join(dict.fromkeys(side.metric for side in (self.a, self.b) if side))

    @property
    def difference(self) -> float | None:
        """B - A, where one measure took both."""
        return None if self.why or not (self.a and self.b) else self.b.mean - self.a.mean

    @property
    def deviations(self) -> float | None:
        """The difference in units of the seeds' deviation.

        That is the root mean square of the deviations of the sides that have several seeds.
        """
        stds = [side.std for side in (self.a, self.b) if side and side.std is not None]
        scale = math.sqrt(sum(std**2 for std in stds) / len(stds)) if stds else 0.0
        return None if self.difference is None or not scale else self.difference / scale

    @property
    def verdict(self) -> str:
        """Which way B went; empty where nothing can be said."""
        best = names.best(self.metric)
        if self.difference is None or not (self.a and self.b) or not best:
            return ""
        worth = {"min": lambda x: -x, "max": lambda x: x, "half": lambda x: -abs(x - 0.5)}[best]
        gain = worth(self.b.mean) - worth(self.a.mean)
        return "equal" if not gain else "better" if gain > 0 else "worse"


def pairs(a: Side, b: Side, wanted: Collection[str] | None = MAIN) -> list[Pair]:
    """Every score of every run that either side has, those of both first within a run.

    `wanted`: kinds of score or whole names, None for all. Raises `InputError` for an unknown one.
    """
    left, right = _values(a, wanted), _values(b, wanted)
    if wanted is not None and wanted is not MAIN:
        _check_wanted(wanted, [a, b])
    found = []
    for place in dict.fromkeys([*left, *right]):
        mine, other = dict(left.get(place, {})), dict(right.get(place, {}))
        for metric in names.ordered(mine.keys() & other.keys()):
            found.append(_pair(place, mine.pop(metric), other.pop(metric)))
        for metric in names.ordered(set(mine)):
            stem = _stem(metric)
            of_other_count = [m for m in names.ordered(set(other)) if _stem(m) == stem]
            if of_other_count:
                found.append(_pair(place, mine[metric], other.pop(of_other_count[0])))
            else:
                found.append(Pair(*place, mine[metric], None, _absent(b, "B", place[0])))
        for metric in names.ordered(set(other)):
            found.append(Pair(*place, None, other[metric], _absent(a, "A", place[0])))
    return found


def parameters(a: Side, b: Side) -> dict[str, dict[str, tuple[str, str]]]:
    """The parameters that differ, by run, for the runs that both sides have; as text, A and B."""
    found = {}
    for run in a.runs:
        if run in b.runs:
            mine, other = flat(a.runs[run]), flat(b.runs[run])
            keys = dict.fromkeys([*mine, *other])
            pair = {key: (mine.get(key, "none"), other.get(key, "none")) for key in keys}
            found[run] = {key: both for key, both in pair.items() if both[0] != both[1]}
    return found


Place = tuple[str, str, str]  # run, data set, evaluator


def _values(side: Side, wanted: Collection[str] | None) -> dict[Place, dict[str, Value]]:
    found: dict[Place, dict[str, Value]] = {}
    groups = side.scores.groupby(["run", "dataset", "evaluator", "metric"], sort=False)
    for names_of, rows in groups:
        run, dataset, evaluator, metric = map(str, names_of)
        if not _is_wanted(metric, wanted):
            continue
        values = rows["value"].astype(float)
        facts = {key: rows[key].iloc[0] for key in SAME if rows[key].notna().all()}
        found.setdefault((run, dataset, evaluator), {})[metric] = Value(
            metric=metric,
            mean=float(values.mean()),
            std=float(values.std(ddof=1)) if len(values) > 1 else None,
            seeds=tuple(int(seed) for seed in rows["seed"].dropna()),
            facts={
                key: value if isinstance(value, str) else int(value) for key, value in facts.items()
            },
        )
    return found


def _is_wanted(metric: str, wanted: Collection[str] | None) -> bool:
    if wanted is MAIN:
        return names.kind(metric) in MAIN and names.count(metric) is not None
    return wanted is None or metric in wanted or names.kind(metric) in wanted


def _check_wanted(wanted: Collection[str], sides: Collection[Side]) -> None:
    known = {*names.KINDS, *(metric for side in sides for metric in side.scores["metric"])}
    for word in wanted:
        if word not in known:
            raise InputError(f"--scores: no {word!r}; {suggest(word, known)}")


def _pair(place: Place, a: Value, b: Value) -> Pair:
    reasons = [*_reasons(a.facts, b.facts)]
    if a.metric != b.metric and not reasons:
        reasons = ["other numbers of images"]
    return Pair(*place, a, b, "; ".join(reasons))


def _reasons(a: Facts, b: Facts) -> Iterator[str]:
    for key, words in SAME.items():
        if key in a and key in b and a[key] != b[key]:
            yield f"other {words}: {_short(key, a[key])} and {_short(key, b[key])}"


def _short(key: str, value: Any) -> str:
    if key.endswith("_digest"):
        return str(value)[:DIGEST]
    return f"{value:,}" if isinstance(value, int) else str(value)


def _stem(metric: str) -> str:
    """A score's name without its number of images."""
    return metric.rpartition("_")[0] if names.count(metric) is not None else metric


def _absent(side: Side, letter: str, run: str) -> str:
    """Why a side has no such score, as far as is known."""
    if run not in side.runs and run not in set(side.scores["run"]):
        return f"no such run in {letter}"
    status = side.status.get(run, "scored")
    return f"not in {letter}" + ("" if status == "scored" else f" ({status})")
