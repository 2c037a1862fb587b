"""Baselines of tests: a small labeled data set, and trainers of few and small minibatches."""

from pathlib import Path
from typing import Any

import numpy as np

from gfmn import baselines
from gfmn.baselines import BaselineConfig
from gfmn.baselines.seeds import read_setting
from gfmn.baselines.trainer import BaselineTrainer, Inputs
from gfmn.common import paths
from gfmn.datasets import prepared
from gfmn.datasets.prepared import PreparedDataset, Writer

ROW: dict[str, Any] = {
    **{"dataset": "d", "extractor": "none", "decoder": "none", "steps": 4, "batch": 4},
    **{"latent": 8, "critic_width": 4, "precision": "fp32", "generator": "resnet_slim"},
    **{"log_every": 2, "grid_every": 2},
}


def images(count: int = 24, size: int = 32) -> PreparedDataset:
    """Random images with labels 0, 1, 2, in the current folder as the data set `d`."""
    rng = np.random.default_rng(0)
    with Writer(paths.prepared("d"), size) as writer:
        drawn = rng.integers(0, 256, (count, size, size, 3), dtype=np.uint8)
        writer.add(drawn, np.arange(count) % 3)
        writer.finish({"source": "test", "classes": ["a", "b", "c"]})
    return prepared.read(paths.prepared("d"))


def config(method: str, **changes: Any) -> BaselineConfig:
    """A method's parameters, of seed 0."""
    return baselines.parse({**ROW, "method": method, **changes}, "x").each()[0]


def trainer(data: PreparedDataset, settings: BaselineConfig) -> BaselineTrainer:
    """A training before its first update."""
    return BaselineTrainer(settings, Inputs(data, read_setting(settings, data), {}))


def folder() -> Path:
    """Of the data set."""
    return paths.prepared("d")
