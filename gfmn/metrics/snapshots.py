"""Loss and Fréchet distance at several steps of a training, and how well their ranks agree.

Their file is a parquet table of one row a seed and step. What holds for all rows is JSON in the
schema's metadata: run, feature space, sampling, and in `seeds` each one's rank correlation. The
same values give the same bytes.
"""

import csv
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gfmn.common.errors import InputError
from gfmn.metrics.evaluator import Evaluator
from gfmn.metrics.frechet import FRECHET, frechet_to
from gfmn.metrics.gaussian import Gaussian
from gfmn.metrics.metric import Measurement, rounded

KEY = b"gfmn"  # of the facts in the metadata
SCHEMA = pa.schema(
    [
        ("seed", pa.int64()),
        ("step", pa.int64()),
        ("loss", pa.float64()),  # equation 1
        ("distance", pa.float64()),  # of six significant digits
        ("count", pa.int64()),  # samples
    ]
)


@dataclass(frozen=True)
class Snapshot:
    """A seed's generator at a step: the loss then, and the Fréchet distance of `count` samples."""

    seed: int
    step: int
    loss: float
    distance: float
    count: int


def losses(history: Path, steps: Collection[int]) -> list[float]:
    """The losses of a seed's history at some steps; `InputError` for a step that has no row."""
    with history.open(newline="") as file:
        rows = csv.DictReader(file, delimiter="\t")
        by_step = {int(row["step"]): float(row["loss"]) for row in rows}
    for step in steps:
        if step not in by_step:
            raise InputError(f"{history}: expected a row of step {step}, found none")
    return [by_step[step] for step in steps]


def distance(images: np.ndarray, evaluator: Evaluator, real: Gaussian, folder: Path) -> Measurement:
    """The Fréchet distance of all N x H x W x 3 uint8 images; `folder`: for their features."""
    features = evaluator.features(images, folder).pooled
    return FRECHET.measurement(evaluator.space, len(images), frechet_to(features, real))


def rank_correlation(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Spearman's: the correlation of the ranks, where equal values have their mean rank.

    None where all values of one are equal.
    """
    ranks_a, ranks_b = (pd.Series(values).rank() for values in (a, b))
    if ranks_a.nunique() == 1 or ranks_b.nunique() == 1:
        return None
    return float(ranks_a.corr(ranks_b))


def correlations(snapshots: Sequence[Snapshot]) -> dict[int, float | None]:
    """By seed, the rank correlation of loss and distance, of six significant digits."""
    found = {}
    for seed in dict.fromkeys(snapshot.seed for snapshot in snapshots):
        own = [snapshot for snapshot in snapshots if snapshot.seed == seed]
        both = [one.loss for one in own], [one.distance for one in own]
        found[seed] = rounded(rank_correlation(*both))
    return found


def summary(snapshots: Sequence[Snapshot]) -> dict[str, Any]:
    """The seeds' rank correlations, and their mean, None where no seed has one."""
    found = correlations(snapshots)
    values = [value for value in found.values() if value is not None]
    return {
        "rank_correlation": rounded(float(np.mean(values))) if values else None,
        "rank_correlation_by_seed": {str(seed): value for seed, value in found.items()},
        "snapshots": len({snapshot.step for snapshot in snapshots}),
    }


def write(path: Path, facts: Mapping[str, Any], snapshots: Sequence[Snapshot]) -> None:
    """Write every seed's snapshots; `facts`: of which run they are, in which feature space."""
    by_seed = correlations(snapshots).items()
    seeds = [{"seed": seed, "rank_correlation": value} for seed, value in by_seed]
    schema = SCHEMA.with_metadata({KEY: json.dumps({**facts, "seeds": seeds}, sort_keys=True)})
    rows = [{**asdict(one), "distance": rounded(one.distance)} for one in snapshots]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema), path)
