"""A table's rows beside the paper's: its figures, differences where they compare, places.

Differences are given in Inception's space alone, where ours and the paper's are the same score of
images of the same data set; an order can be compared in any space.
"""

from collections.abc import Collection, Mapping
from itertools import combinations
from typing import Any

import pandas as pd

from gfmn.reporting import names
from gfmn.reporting.paper import PaperRow
from gfmn.reporting.results import Study
from gfmn.reporting.summary import REAL

PAPER = {  # column -> dtype and heading
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
PLACES = {  # by the table's Fréchet distance, and by the paper's FID 5K; 1 is the best
    "place": ("Int64", "Place here"),
    "paper_place": ("Int64", "Place there"),
    "places": ("Int64", "Places"),  # how many rows have both
}
COLUMNS = PAPER | DIFFERENCES | PLACES


def paper_columns(row: PaperRow, dataset: str) -> dict[str, Any]:
    """A row of the paper's, its figures on one data set."""
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


def differences(row: Mapping[str, Any], keys: Collection[str]) -> dict[str, float]:
    """Ours minus the paper's in one row; `keys` are the scores in Inception's space.

    FID is compared at one number of samples; the Inception score, of which the paper names no
    number, at the largest that there is.
    """
    scores = [key for key in keys if names.kind(key) == "is" and row.get(key) is not None]
    pairs = {
        "difference_is": (max(scores, key=_count, default=""), "paper_is_mean"),
        "difference_fid5k": ("fid_5k", "paper_fid5k"),
        "difference_fid50k": ("fid_50k", "paper_fid50k"),
    }
    found = {name: (row.get(ours), row.get(theirs)) for name, (ours, theirs) in pairs.items()}
    return {k: a - b for k, (a, b) in found.items() if a is not None and b is not None}


def same_data(study: Study, name: str | None, dataset: str) -> bool:
    """Whether a study's data set is the paper's `dataset`, by its source or its name's first part.

    `cifar10` read from parquet and a split `cifar10_test` are CIFAR-10.
    """
    if name is None:
        return False
    source = study.datasets.get(name, {}).get("source")
    return source == dataset or name.replace("-", "_").split("_")[0] == dataset


def places(frame: pd.DataFrame, distance: str | None) -> dict[str, "pd.Series[Any]"]:
    """Each run's place by the column `distance` and by the paper's FID 5K, among those with both.

    Equal values share the better place.
    """
    rows = _both(frame, distance)
    if len(rows) < 2:
        return {key: pd.Series(pd.NA, frame.index, "Int64") for key in PLACES}
    found: dict[str, pd.Series[Any]] = {
        "place": rows[distance].rank(method="min"),
        "paper_place": rows["paper_fid5k"].rank(method="min"),
        "places": pd.Series(len(rows), rows.index),
    }
    return {key: one.astype("Int64").reindex(frame.index) for key, one in found.items()}


def pairs_in_order(frame: pd.DataFrame, distance: str | None) -> tuple[int, int] | None:
    """How many pairs of runs stand in the paper's order, of how many that the paper separates.

    The order is by the column `distance` and by the paper's FID 5K; None where nothing compares.
    """
    rows = _both(frame, distance)
    if rows.empty:
        return None
    values = list(zip(rows[distance], rows["paper_fid5k"], strict=True))
    signs = [float((a - b) * (p - q)) for (a, p), (b, q) in combinations(values, 2) if p != q]
    return (sum(sign > 0 for sign in signs), len(signs)) if signs else None


def _both(frame: pd.DataFrame, distance: str | None) -> pd.DataFrame:
    """The runs that have both a distance and the paper's FID 5K."""
    if distance is None or "paper_fid5k" not in frame:
        return frame[:0]
    runs = frame[frame["run"].fillna(REAL) != REAL]
    return runs.dropna(subset=[distance, "paper_fid5k"])


def _count(key: str) -> int:
    return names.count(key) or 0
