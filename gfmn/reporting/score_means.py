"""Scores as means over seeds, with a deviation and what it is over."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gfmn.reporting.records import Score, Scores
from gfmn.reporting.score_info import ScoreInfo, ordered, score_info


@dataclass(frozen=True)
class ScoreMean:
    """A score's mean over seeds.

    `std` is the standard deviation (n - 1) over seeds where there are several, else the score's
    own; `over` says which ("3 seeds", "10 splits"). `method` says how a score without a deviation
    of its own was computed ("k = 3").
    """

    value: float
    std: float | None
    over: str | None
    method: str | None
    seeds: int
    info: ScoreInfo


def mean_over_seeds(key: str, scores: Sequence[Score]) -> ScoreMean:
    """The mean of the same score of several seeds."""
    first, values = scores[0], np.asarray([score.value for score in scores])
    info = score_info(key, first)
    method = first.over if first.std is None else None
    if len(scores) > 1:
        std, count = float(values.std(ddof=1)), len(scores)
        return ScoreMean(float(values.mean()), std, f"{count} seeds", method, count, info)
    over = first.over if first.std is not None else None
    return ScoreMean(first.value, first.std, over, method, 1, info)


def score_means(file: Scores) -> dict[str, ScoreMean]:
    """Every score of a file, by name, over the seeds that have it."""
    by_key: dict[str, list[Score]] = {}
    for seed in file.seeds:
        for key, score in seed.scores.items():
            by_key.setdefault(key, []).append(score)
    means = {key: mean_over_seeds(key, scores) for key, scores in by_key.items()}
    return {key: means[key] for key in ordered({key: mean.info for key, mean in means.items()})}


def score_methods(rows: Iterable[Mapping[str, ScoreMean]]) -> dict[str, str]:
    """How the scores without a deviation of their own were computed, by their names."""
    methods: dict[str, dict[str, None]] = {}
    for means in rows:
        for key, mean in means.items():
            if mean.method:
                methods.setdefault(key, {})[mean.method] = None
    return {key: " or ".join(texts) for key, texts in methods.items()}
