"""A network, images and statistics small enough to train on in a test."""

import numpy as np
from builders.tiny_network import TinyNetwork

from gfmn.common.progress import Progress
from gfmn.features import statistics
from gfmn.features.groups import GROUPS, new_groups
from gfmn.features.groups.base import Classes
from gfmn.features.statistics import Statistics
from gfmn.runtime.distributed import ALONE
from gfmn.training.config import TrainingConfig


def config(**changes: object) -> TrainingConfig:
    data = {"dataset": "d", "extractor": "e", "steps": 12, "batch": 8, "latent": 8, "lr": 1e-3}
    # Which precision is faster is a near thing for so small a generator.
    row = {**data, "precision": "fp32", "seeds": [changes.pop("seed", 0)], **changes}
    return TrainingConfig.parse(row, "runs.x").each()[0]


class Taps32(TinyNetwork):
    """The tiny network for 32 px images."""

    image_size = 32

    def __init__(self) -> None:
        super().__init__()
        sizes = {"a": (6, 32, 32), "b": (10, 16, 16), "c": (5, 8, 8)}
        self.taps = tuple(type(tap)(tap.name, sizes[tap.name]) for tap in self.taps)


def real(network: TinyNetwork, images: np.ndarray, labels: np.ndarray | None = None) -> Statistics:
    """With every group, and with classes of weight 2 where there are labels."""
    asked: dict[str, object] = {"dataset": "d", "extractor": "e", **{name: {} for name in GROUPS}}
    asked |= {"covariance": {"directions": 8}, "class_weight": 2.0 if labels is not None else 0.0}
    config = statistics.StatisticsConfig.parse(asked, "row")
    classes = statistics.class_facts(config, labels, None, "row")
    groups = new_groups(config, len(images), Classes.of(classes))
    with Progress("test", len(images), "images", every=1e9) as progress:
        mean, variance = statistics.extract(
            images, network, 16, progress, groups=groups, labels=labels
        )
    metadata: dict[str, object] = {
        "dataset": "d",
        "extractor_digest": network.digest,
        "batchnorm": "eval",
        **statistics.UNITS,
    }
    metadata["classes"] = classes
    metadata["groups"] = {name: group.describe() for name, group in groups.items()}
    results = {name: group.result(ALONE) for name, group in groups.items()}
    return Statistics(metadata, mean, variance, results)


def orange_discs() -> np.ndarray:
    """64 images of orange discs on blue, 32 px."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:32, :32]
    center, radius = rng.uniform(10, 22, (64, 2, 1, 1)), rng.uniform(4, 9, (64, 1, 1))
    inside = (x - center[:, 0]) ** 2 + (y - center[:, 1]) ** 2 < radius**2
    return np.where(inside[..., None], [230, 140, 40], [30, 60, 150]).astype(np.uint8)
