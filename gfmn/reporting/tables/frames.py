"""What no table has, as typed frames: every score of a study, and how far each loss fell."""

from typing import Any

import numpy as np
import pandas as pd

from gfmn.reporting.records import RunScores
from gfmn.reporting.results import Study

SCORES = {  # name -> dtype
    **{"run": "string", "seed": "Int64", "dataset": "string", "evaluator": "string"},
    **{"evaluator_digest": "string", "metric": "string", "value": "Float64", "std": "Float64"},
    **{"over": "string", "n_generated": "Int64", "n_real": "Int64", "n_reference": "Int64"},
    **{"resizer": "string", "canonical": "boolean", "in_domain": "boolean"},
    "architecture": "string",  # the evaluator's
    "dataset_digest": "string",  # of the images that are scored against
    **{"sampling_seed": "Int64", "sampling_batchnorm": "string"},
    "trained_on": "string",  # this and the columns below describe the run
    **{"extractor": "string", "taps": "Int64", "features": "Int64", "generator": "string"},
    **{"objective": "string", "batch": "Int64", "steps": "Int64", "lr": "Float64"},
    "extractor_digest": "string",  # of its weights, as the real statistics name them
    "generator_digest": "string",  # of the seed's generator, as a file
    "kind": "string",  # this and the columns below: how the score is shown
    "title": "string",
    "direction": "string",  # which values are better: lower, higher, or half (near 0.5)
    "decimals": "Int64",
}
CONVERGENCE = ("run", "seed", "first_step", "first", "last", "fall", "swing")
LAST = 1 / 3  # of the history, over which the swing is taken


def all_scores(study: Study) -> pd.DataFrame:
    """Every score as its file has it, with what it is of; real against real images last.

    `n_generated` (`n_real`, for real images) is the count in the score's name, or else the
    evaluation's.
    """
    frames = []
    for _, scores in study.score_files():
        place = {one.seed: i for i, one in enumerate(scores.seeds)}
        seeds = [None if pd.isna(seed) else int(seed) for seed in scores.rows["seed"]]
        rows = scores.rows.assign(place=[place[seed] for seed in seeds])
        rows = rows.sort_values(["place", "order", "count", "score"])
        count = "n_generated" if isinstance(scores, RunScores) else "n_real"
        rows[count] = rows["count"].fillna(scores.n)
        names = [key for key in SCORES if key not in rows and hasattr(scores, key)]
        facts = {key: getattr(scores, key) for key in names}
        for seed, own in rows.rename(columns={"score": "metric"}).groupby("place", sort=False):
            if isinstance(scores, RunScores):
                facts |= _run_columns(study, scores, scores.seeds[int(str(seed))].seed)
            frames.append(own.assign(**facts).reindex(columns=list(SCORES)).astype(SCORES))
    empty = pd.DataFrame({key: pd.Series(dtype=dtype) for key, dtype in SCORES.items()})
    return pd.concat(frames, ignore_index=True) if frames else empty


def _run_columns(study: Study, scores: RunScores, seed: int | None) -> dict[str, Any]:
    """How one seed's generator was trained, and how its samples were drawn."""
    run = study.runs[scores.run]
    result = next(result for result in run.seeds if result.seed == seed)
    keys = ("extractor", "generator", "objective", "batch", "steps", "lr")
    row = {key: run.parameters.get(key) for key in keys} | {
        "trained_on": run.parameters.get("dataset"),
        "sampling_seed": scores.sampling.seed,
        "sampling_batchnorm": scores.sampling.batchnorm,
        "generator_digest": result.generator_digest,
    }
    if model := result.model:
        row |= {"taps": len(model.taps), "features": model.features}
        row["extractor_digest"] = model.statistics.get("extractor_digest")
    return row


def positive_losses(history: pd.DataFrame) -> pd.DataFrame:
    """The rows whose loss a logarithmic axis can show."""
    usable = np.isfinite(history["loss"]) & (history["loss"] > 0)
    return pd.DataFrame(history.loc[usable])


def convergence(study: Study) -> pd.DataFrame:
    """A row a run and seed that has a history of at least three losses.

    `first`: the loss in the history's first row, at `first_step`. `last`: at the end. `fall`:
    first / last. `swing`: the largest factor by which the loss rises in the history's last third,
    from any point to a later one; 1 where it never rises.
    """
    rows = []
    for run in study.runs.values():
        for seed in run.seeds:
            if seed.history is None or "critic" in seed.history:  # no single loss falls
                continue
            history = positive_losses(seed.history)
            if len(history) < 3:
                continue
            loss = history["loss"]
            end = loss.iloc[-max(1, round(LAST * len(loss))) :]
            first, last = float(loss.iloc[0]), float(loss.iloc[-1])
            step, swing = int(history["step"].iloc[0]), float((end / end.cummin()).max())
            rows.append((run.name, seed.seed, step, first, last, first / last, swing))
    return pd.DataFrame(rows, columns=list(CONVERGENCE))
