"""Data sets in shards, made of arrays, and their statistics by a small network."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from builders.prepared import write

from gfmn.common.progress import Progress
from gfmn.features.groups import GROUPS
from gfmn.features.statistics import StatisticsConfig
from gfmn.shards import dataset
from gfmn.shards.dataset import ShardedDataset, folder_of, joint_digest

SILENT = Progress("test", 1, "images", silent=True)


def images(count: int, seed: int = 0, size: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), np.uint8)


def write_shards(
    folder: Path, parts: Sequence[np.ndarray], labels: Sequence[np.ndarray] | None = None
) -> ShardedDataset:
    """A data set of these shards, called `d`."""
    rows, size = [], parts[0].shape[1]
    for i, part in enumerate(parts):
        own = labels[i] if labels else None
        meta = write(folder_of(folder, i), [(part, own)], size, {"name": "d"})
        rows.append({"name": f"{i}.tar", "count": len(part), "digest": meta["digest"]})
    metadata = {
        "name": "d",
        "count": sum(map(len, parts)),
        "image_size": size,
        "labels": labels is not None,
        "classes": ["x", "y", "z"] if labels else None,
        "digest": joint_digest(row["digest"] for row in rows),
        "shards": rows,
    }
    (folder / "meta.json").write_text(json.dumps(metadata))
    return dataset.read(folder)


def config(**changes: Any) -> StatisticsConfig:
    """With every group."""
    asked: dict[str, Any] = {"dataset": "d", "extractor": "e", "batch": 16}
    asked |= {name: {} for name in GROUPS} | {"covariance": {"directions": 8}}
    return StatisticsConfig.parse(asked | changes, "row")


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
