"""A file of scores: a parquet table of one row a seed and score, with what holds for all of them.

The facts are JSON in the schema's metadata: evaluator, digests, settings, and in `seeds` what each
seed has besides scores. The same scores give the same bytes. Parquet keeps the doubles' bits.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from gfmn.metrics.evaluation import EvaluationResult
from gfmn.metrics.metric import Measurement, rounded
from gfmn.metrics.registry import NAMES

KEY = b"gfmn"  # of the facts in the metadata
SCHEMA = pa.schema(
    [
        ("run", pa.string()),  # null for real images
        ("seed", pa.int64()),  # null for real images
        ("score", pa.string()),  # fd_lite2_5k
        ("value", pa.float64()),
        ("deviation", pa.float64()),  # where the value is a mean
        ("over", pa.string()),  # what the deviation is over, or how the value was made
        ("kind", pa.string()),  # what the name begins with: fd; fid in Inception's space
        ("count", pa.int64()),  # images; null: extrapolated to infinitely many
        ("title", pa.string()),  # in words
        ("direction", pa.string()),  # which values are better: lower, higher, half (near 0.5)
        ("decimals", pa.int64()),  # in tables; null: about four significant digits
        ("main", pa.bool_()),  # whether it stands in the tables of runs
        ("order", pa.int64()),  # of its kind among all kinds, for columns
    ]
)


def write(
    path: Path, facts: Mapping[str, Any], results: Mapping[int | None, EvaluationResult]
) -> None:
    """Write the scores of each seed (None: of real images); `facts["run"]` is whose they are."""
    seeds = [{"seed": seed, **result.details()} for seed, result in results.items()]
    rows = [
        {"run": facts["run"], "seed": seed, **row(score)}
        for seed, result in results.items()
        for score in result.scores.values()
    ]
    write_rows(path, {**facts, "seeds": seeds}, rows)


def row(score: Measurement) -> dict[str, Any]:
    """A score's cells, but for run and seed; numbers of six significant digits."""
    return {
        "score": score.name,
        "value": rounded(score.value),
        "deviation": rounded(score.std),
        "over": score.over,
        "kind": score.kind,
        "count": score.count,
        "title": score.title,
        "direction": score.metric.direction,
        "decimals": score.metric.decimals,
        "main": score.metric.main,
        "order": NAMES.index(score.metric.name),
    }


def write_rows(path: Path, facts: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write cells by the schema's names, and the facts."""
    schema = SCHEMA.with_metadata({KEY: json.dumps(facts, sort_keys=True)})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist([dict(cells) for cells in rows], schema), path)
