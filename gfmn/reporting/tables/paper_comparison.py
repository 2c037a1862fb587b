"""The comparison of a table's rows with the paper's: its scores, differences and ranks.

Differences are given in the feature space of FID's own Inception alone, where ours and the paper's
are the same score of images of the same data set; an order can be compared in any space.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from gfmn.reporting.paper import PaperRow
from gfmn.reporting.results import REAL_DATA, Study
from gfmn.reporting.score_info import ScoreInfo

PAPER_COLUMNS = {  # column -> dtype and heading
    "paper_row": ("string", "Row"),
    "paper_group": ("string", "Kind of method"),
    "paper_features": ("string", "Features"),
    "paper_is_mean": ("Float64", "IS"),
    "paper_is_std": ("Float64", "±"),
    "paper_fid5k": ("Float64", "FID 5K"),
    "paper_fid50k": ("Float64", "FID 50K"),
    "paper_source": ("string", "Source"),
}
DIFFERENCES = {  # ours minus the paper's
    "difference_is": ("Float64", "Δ IS"),
    "difference_fid5k": ("Float64", "Δ FID 5K"),
    "difference_fid50k": ("Float64", "Δ FID 50K"),
}
RANKS = {  # by the table's Fréchet distance, and by the paper's FID 5K; 1 is the best
    "place": ("Int64", "Rank here"),
    "paper_place": ("Int64", "Rank in the paper"),
    "places": ("Int64", "Ranked runs"),  # how many rows have both
}
COLUMNS = PAPER_COLUMNS | DIFFERENCES | RANKS


def paper_columns(row: PaperRow, dataset: str) -> dict[str, Any]:
    """A row of the paper's, its scores on one data set."""
    scores = row.on(dataset)
    mean, std = (scores.is_ if scores else None) or (None, None)
    return {
        "paper_row": row.label,
        "paper_group": row.group,
        "paper_features": row.features,
        "paper_is_mean": mean,
        "paper_is_std": std,
        "paper_fid5k": scores.fid5k if scores else None,
        "paper_fid50k": scores.fid50k if scores else None,
        "paper_source": row.source,
    }


def differences(row: Mapping[str, Any], scores: Mapping[str, ScoreInfo]) -> dict[str, float]:
    """Ours minus the paper's in one row; `scores` are those in Inception's space.

    FID is compared at one number of samples; the Inception score, for which the paper gives no
    number, at the largest that there is.
    """
    counts = {key: info.count or 0 for key, info in scores.items() if info.kind == "is"}
    present = [key for key in counts if row.get(key) is not None]
    largest = max(present, key=lambda key: counts[key], default="")
    columns = {
        "difference_is": (largest, "paper_is_mean"),
        "difference_fid5k": ("fid_5k", "paper_fid5k"),
        "difference_fid50k": ("fid_50k", "paper_fid50k"),
    }
    values = {name: (row.get(ours), row.get(paper)) for name, (ours, paper) in columns.items()}
    return {k: a - b for k, (a, b) in values.items() if a is not None and b is not None}


def is_paper_dataset(study: Study, name: str | None, dataset: str) -> bool:
    """Whether a study's data set is the paper's `dataset`, by its source or its name's first part.

    `cifar10` read from parquet and a split `cifar10_test` are CIFAR-10.
    """
    if name is None:
        return False
    source = study.datasets.get(name, {}).get("source")
    return source == dataset or name.replace("-", "_").split("_")[0] == dataset


def ranks(frame: pd.DataFrame, distance: str | None) -> dict[str, "pd.Series[Any]"]:
    """Each run's rank by the column `distance` and by the paper's FID 5K, among those with both.

    Equal values share the better rank.
    """
    rows = _rows_with_both(frame, distance)
    if len(rows) < 2:
        return {key: pd.Series(pd.NA, frame.index, "Int64") for key in RANKS}
    columns: dict[str, pd.Series[Any]] = {
        "place": rows[distance].rank(method="min"),
        "paper_place": rows["paper_fid5k"].rank(method="min"),
        "places": pd.Series(len(rows), rows.index),
    }
    return {key: one.astype("Int64").reindex(frame.index) for key, one in columns.items()}


def _rows_with_both(frame: pd.DataFrame, distance: str | None) -> pd.DataFrame:
    """The runs that have both a distance and the paper's FID 5K."""
    if distance is None or "paper_fid5k" not in frame:
        return frame[:0]
    runs = frame[frame["run"].fillna(REAL_DATA) != REAL_DATA]
    return runs.dropna(subset=[distance, "paper_fid5k"])
