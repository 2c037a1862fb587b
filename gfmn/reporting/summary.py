"""Scores over seeds: one value, one deviation, and what the deviation is over."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gfmn.reporting import names
from gfmn.reporting.records import RunScores, Score, Scores
from gfmn.reporting.results import Study

REAL = "Real data"
LONG = {  # the columns of every score, one row a run, seed, evaluator and metric
    "run": "string",
    "seed": "Int64",
    "dataset": "string",
    "evaluator": "string",
    "evaluator_digest": "string",
    "metric": "string",
    "value": "Float64",
    "std": "Float64",
    "over": "string",
    "n_generated": "Int64",
    "n_real": "Int64",
    "n_reference": "Int64",
    "resizer": "string",
    "canonical": "boolean",
    "in_domain": "boolean",
    "architecture": "string",  # the evaluator's
    "dataset_digest": "string",  # of the images that are scored against
    "sampling_seed": "Int64",
    "sampling_batchnorm": "string",
    "trained_on": "string",  # and what follows: of the run
    "extractor": "string",
    "taps": "Int64",
    "features": "Int64",
    "generator": "string",
    "objective": "string",
    "batch": "Int64",
    "steps": "Int64",
    "lr": "Float64",
    "extractor_digest": "string",  # of its weights, as the real statistics name them
    "generator_digest": "string",  # of the seed's generator, as a file
}


@dataclass(frozen=True)
class Summary:
    """A score's mean over seeds.

    `std` is the standard deviation (n - 1) over seeds where there are several, else the score's
    own; `over` names which, and `how` says how a score without an own deviation was made.
    """

    value: float
    std: float | None
    over: str | None
    how: str | None
    seeds: int


def summary(scores: Sequence[Score]) -> Summary:
    """What the same score of several seeds comes to."""
    first, values = scores[0], np.asarray([score.value for score in scores])
    how = first.over if first.std is None else None
    if len(scores) > 1:
        std = float(values.std(ddof=1))
        return Summary(float(values.mean()), std, f"{len(scores)} seeds", how, len(scores))
    over = first.over if first.std is not None else None
    return Summary(first.value, first.std, over, how, 1)


def summaries(scores: Scores) -> dict[str, Summary]:
    """Every score of a file, by name, over the seeds that have it."""
    found: dict[str, list[Score]] = {}
    for seed in scores.seeds:
        for key, score in seed.scores.items():
            found.setdefault(key, []).append(score)
    return {key: summary(found[key]) for key in names.ordered(set(found))}


def ways(summed: Iterable[Mapping[str, Summary]]) -> dict[str, str]:
    """How scores without an own deviation were made, by their names."""
    found: dict[str, dict[str, None]] = {}
    for row in summed:
        for key, one in row.items():
            if one.how:
                found.setdefault(key, {})[one.how] = None
    return {key: " or ".join(how) for key, how in found.items()}


def every_score(study: Study) -> pd.DataFrame:
    """Every score as it is in its file with what it is of, real images against real at the end.

    `n_generated` (`n_real`, of real images) is what the score's name says, and where that names no
    number, the evaluation's.
    """
    rows: list[dict[str, Any]] = []
    for _, scores in study.files():
        shared = {key: getattr(scores, key) for key in LONG if hasattr(scores, key)}
        run = scores if isinstance(scores, RunScores) else None
        for seed in scores.seeds:
            own = _made(study, run, seed.seed) if run else {"run": REAL}
            for key in names.ordered(set(seed.scores)):
                count = {"n_generated" if run else "n_real": names.count(key) or scores.n}
                of = {"seed": seed.seed, "metric": key}
                rows.append(shared | own | of | count | seed.scores[key].model_dump())
    series = {k: pd.Series([r.get(k) for r in rows], dtype=LONG[k]) for k in LONG}
    return pd.DataFrame(series)


def _made(study: Study, scores: RunScores, seed: int | None) -> dict[str, Any]:
    """How one seed's samples came to be: drawn, and by what its generator was trained."""
    run = study.runs[scores.run]
    result = next(one for one in run.seeds if one.seed == seed)
    parameters = run.parameters
    keys = ("extractor", "generator", "objective", "batch", "steps", "lr")
    made = {key: parameters.get(key) for key in keys} | {
        "trained_on": parameters.get("dataset"),
        "sampling_seed": scores.sampling.seed,
        "sampling_batchnorm": scores.sampling.batchnorm,
        "generator_digest": result.generator_digest,
    }
    if model := result.model:
        made |= {"taps": len(model.taps), "features": model.features}
        made["extractor_digest"] = model.statistics.get("extractor_digest")
    return made
