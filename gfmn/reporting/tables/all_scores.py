"""Every score of a study in one typed frame: one row a run, seed, evaluator and metric."""

from typing import Any

import pandas as pd

from gfmn.reporting.records import RunScores
from gfmn.reporting.results import REAL_DATA, Study
from gfmn.reporting.score_info import ordered, score_info

COLUMNS = {  # name -> dtype
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
    "trained_on": "string",  # this and the columns below describe the run
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


def all_scores(study: Study) -> pd.DataFrame:
    """Every score as its file has it, with what it is of; real against real images last.

    `n_generated` (`n_real`, for real images) is the count in the score's name, or else the
    evaluation's.
    """
    rows: list[dict[str, Any]] = []
    for _, scores in study.score_files():
        shared = {key: getattr(scores, key) for key in COLUMNS if hasattr(scores, key)}
        count = "n_generated" if isinstance(scores, RunScores) else "n_real"
        for seed in scores.seeds:
            if isinstance(scores, RunScores):
                run = _run_columns(study, scores, seed.seed)
            else:
                run = {"run": REAL_DATA}
            infos = {key: score_info(key, score) for key, score in seed.scores.items()}
            for key in ordered(infos):
                row = {"seed": seed.seed, "metric": key, count: infos[key].count or scores.n}
                rows.append(shared | run | row | seed.scores[key].model_dump())
    columns = {
        key: pd.Series([row.get(key) for row in rows], dtype=dtype)
        for key, dtype in COLUMNS.items()
    }
    return pd.DataFrame(columns)


def _run_columns(study: Study, scores: RunScores, seed: int | None) -> dict[str, Any]:
    """How one seed's generator was trained, and how its samples were drawn."""
    run = study.runs[scores.run]
    result = next(result for result in run.seeds if result.seed == seed)
    parameters = run.parameters
    keys = ("extractor", "generator", "objective", "batch", "steps", "lr")
    row = {key: parameters.get(key) for key in keys} | {
        "trained_on": parameters.get("dataset"),
        "sampling_seed": scores.sampling.seed,
        "sampling_batchnorm": scores.sampling.batchnorm,
        "generator_digest": result.generator_digest,
    }
    if model := result.model:
        row |= {"taps": len(model.taps), "features": model.features}
        row["extractor_digest"] = model.statistics.get("extractor_digest")
    return row
