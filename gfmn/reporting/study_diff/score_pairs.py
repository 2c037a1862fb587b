"""Two studies' scores run by run: differences where the same measure took both, else why not."""

import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.reporting.formatting import flatten
from gfmn.reporting.score_info import ScoreInfo
from gfmn.reporting.study_diff.study_scores import StudyScores

DEFAULT_KINDS = ("fid", "fd", "is", "score", "precision", "recall")
MUST_AGREE = {  # column -> what it is called; two scores compare where all of these are the same
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
RunSpace = tuple[str, str, str]  # run, data set, evaluator


@dataclass(frozen=True)
class RunScore:
    """One run's score over its seeds; `std` (n - 1) where there are several."""

    metric: str
    mean: float
    std: float | None
    seeds: tuple[int, ...]
    facts: Facts  # the columns of `MUST_AGREE` that are known
    info: ScoreInfo

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        values = {"metric": self.metric, "value": self.mean, "std": self.std}
        return {**values, "seeds": list(self.seeds), **self.facts}


@dataclass(frozen=True)
class ScorePair:
    """A run's score in both studies; `reason` says what keeps the two from being compared."""

    run: str
    dataset: str
    evaluator: str
    a: RunScore | None
    b: RunScore | None
    reason: str = ""

    @property
    def scores(self) -> list[RunScore]:
        """Those of the two that are there."""
        return [score for score in (self.a, self.b) if score]

    @property
    def metric(self) -> str:
        """The score's name; two where the studies have it of different numbers of images."""
        return " / ".join(dict.fromkeys(score.metric for score in self.scores))

    @property
    def info(self) -> ScoreInfo:
        """The score's title, direction and decimals."""
        return self.scores[0].info

    @property
    def difference(self) -> float | None:
        """B - A, where the same measure took both."""
        return None if self.reason or not (self.a and self.b) else self.b.mean - self.a.mean

    @property
    def deviations(self) -> float | None:
        """The difference in units of the seeds' standard deviation.

        That is the root mean square of the deviations of the studies that have several seeds.
        """
        stds = [score.std for score in self.scores if score.std is not None]
        scale = math.sqrt(sum(std**2 for std in stds) / len(stds)) if stds else 0.0
        return None if self.difference is None or not scale else self.difference / scale

    @property
    def verdict(self) -> str:
        """Whether B is better or worse; empty where nothing can be said."""
        direction = self.info.direction
        if self.difference is None or not (self.a and self.b) or not direction:
            return ""
        value = {"lower": lambda x: -x, "higher": lambda x: x, "half": lambda x: -abs(x - 0.5)}
        gain = value[direction](self.b.mean) - value[direction](self.a.mean)
        return "equal" if not gain else "better" if gain > 0 else "worse"


def pair_scores(
    a: StudyScores, b: StudyScores, wanted: Collection[str] | None = DEFAULT_KINDS
) -> list[ScorePair]:
    """Every score of every run in either study, those in both first within a run.

    `wanted`: kinds of score or whole names, None for all. Raises `InputError` for an unknown one.
    """
    if wanted is not None and wanted is not DEFAULT_KINDS:
        _check_wanted(wanted, [a, b])
    infos = _infos([a, b])
    in_a, in_b = (_run_scores(study, infos, wanted) for study in (a, b))
    pairs: list[ScorePair] = []
    for space in dict.fromkeys([*in_a, *in_b]):
        pairs += _pair_space(space, in_a.get(space, {}), in_b.get(space, {}), a, b)
    return pairs


def _pair_space(
    space: RunSpace,
    in_a: Mapping[str, RunScore],
    in_b: Mapping[str, RunScore],
    a: StudyScores,
    b: StudyScores,
) -> Iterator[ScorePair]:
    """Scores of one name, then those of one name but for the number of images, then the rest."""
    in_a, in_b = dict(in_a), dict(in_b)
    for metric in [metric for metric in in_a if metric in in_b]:
        yield _pair(space, in_a.pop(metric), in_b.pop(metric))
    for metric in in_a:
        others = [other for other in in_b if _stem(in_b[other]) == _stem(in_a[metric])]
        if others:
            yield _pair(space, in_a[metric], in_b.pop(others[0]))
        else:
            yield ScorePair(*space, in_a[metric], None, _absence(b, "B", space[0]))
    for metric in in_b:
        yield ScorePair(*space, None, in_b[metric], _absence(a, "A", space[0]))


def parameter_changes(a: StudyScores, b: StudyScores) -> dict[str, dict[str, tuple[str, str]]]:
    """The parameters that differ, by run, for the runs in both studies; as text, A and B."""
    changes = {}
    for run in a.runs:
        if run in b.runs:
            in_a, in_b = flatten(a.runs[run]), flatten(b.runs[run])
            keys = dict.fromkeys([*in_a, *in_b])
            values = {key: (in_a.get(key, "none"), in_b.get(key, "none")) for key in keys}
            changes[run] = {key: pair for key, pair in values.items() if pair[0] != pair[1]}
    return changes


def _infos(studies: Collection[StudyScores]) -> dict[str, ScoreInfo]:
    """How each score is shown, as a study says that knows it."""
    infos: dict[str, ScoreInfo] = {}
    for study in studies:
        for metric, rows in study.scores.groupby("metric", sort=False):
            info = _info(rows)
            if info.kind or str(metric) not in infos:
                infos[str(metric)] = info
    return infos


def _run_scores(
    study: StudyScores, infos: Mapping[str, ScoreInfo], wanted: Collection[str] | None
) -> dict[RunSpace, dict[str, RunScore]]:
    by_space: dict[RunSpace, dict[str, RunScore]] = {}
    groups = study.scores.groupby(["run", "dataset", "evaluator", "metric"], sort=False)
    for group, rows in groups:
        run, dataset, evaluator, metric = map(str, group)
        info = infos[metric]
        if not _is_wanted(info, metric, wanted):
            continue
        values = rows["value"].astype(float)
        facts = {key: rows[key].iloc[0] for key in MUST_AGREE if rows[key].notna().all()}
        by_space.setdefault((run, dataset, evaluator), {})[metric] = RunScore(
            metric=metric,
            mean=float(values.mean()),
            std=float(values.std(ddof=1)) if len(values) > 1 else None,
            seeds=tuple(int(seed) for seed in rows["seed"].dropna()),
            facts={
                k: value if isinstance(value, str) else int(value) for k, value in facts.items()
            },
            info=info,
        )
    return by_space


def _info(rows: pd.DataFrame) -> ScoreInfo:
    """How a score is shown, from its rows; a file of an older version does not say."""
    first = rows.iloc[0]
    known = {key: first[key] for key in ("kind", "title", "direction") if pd.notna(first[key])}
    number = re.search(r"_(\d+)(k?)$", first["metric"])
    return ScoreInfo(
        kind=known.get("kind", ""),
        count=int(number[1]) * (1000 if number[2] else 1) if number else None,
        title=known.get("title", first["metric"]),
        direction=known.get("direction"),
        decimals=int(first["decimals"]) if pd.notna(first["decimals"]) else None,
        main=True,
        order=0,
    )


def _is_wanted(info: ScoreInfo, metric: str, wanted: Collection[str] | None) -> bool:
    if wanted is DEFAULT_KINDS:
        return info.kind in DEFAULT_KINDS and info.count is not None
    return wanted is None or metric in wanted or info.kind in wanted


def _check_wanted(wanted: Collection[str], studies: Collection[StudyScores]) -> None:
    columns = ("kind", "metric")
    known = {name for study in studies for key in columns for name in study.scores[key].dropna()}
    for name in wanted:
        if name not in known:
            raise InputError(f"--scores: no {name!r}; {suggest(name, known)}")


def _pair(space: RunSpace, a: RunScore, b: RunScore) -> ScorePair:
    reasons = list(_disagreements(a.facts, b.facts))
    if a.metric != b.metric and not reasons:
        reasons = ["other numbers of images"]
    return ScorePair(*space, a, b, "; ".join(reasons))


def _disagreements(a: Facts, b: Facts) -> Iterator[str]:
    for key, name in MUST_AGREE.items():
        if key in a and key in b and a[key] != b[key]:
            yield f"other {name}: {_short(key, a[key])} and {_short(key, b[key])}"


def _short(key: str, value: Any) -> str:
    if key.endswith("_digest"):
        return str(value)[:DIGEST]
    return f"{value:,}" if isinstance(value, int) else str(value)


def _stem(score: RunScore) -> str:
    """A score's name without its number of images."""
    metric = score.metric
    return metric.rpartition("_")[0] if score.info.count is not None else metric


def _absence(study: StudyScores, letter: str, run: str) -> str:
    """Why a study has no such score, as far as is known."""
    if run not in study.runs and run not in set(study.scores["run"]):
        return f"no such run in {letter}"
    status = study.status.get(run, "scored")
    return f"not in {letter}" + ("" if status == "scored" else f" ({status})")
