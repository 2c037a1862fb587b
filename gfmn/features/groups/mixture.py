"""The group `mixture`: clusters of pooled real features."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from gfmn.common.bounds import VECTORS
from gfmn.features.groups.base import POSITIVE, Fitted, FittedConfig, PooledPart


class MixtureConfig(FittedConfig):
    """How many clusters there are."""

    components: int = Field(16, ge=1, le=VECTORS)  # at most; those that stay empty are left out


@dataclass(frozen=True)
class PooledMixture(PooledPart):
    """K clusters of vectors x = p / scale."""

    scale: Tensor  # D
    weights: Tensor  # K, in sum 1
    means: Tensor  # K x D
    deviations: Tensor  # K x D

    AXES: ClassVar = {"scale": "D", "weights": "K", "means": "KD", "deviations": "KD"}
    LEAST: ClassVar = {"scale": POSITIVE, "weights": POSITIVE, "deviations": 0}


class Mixture(Fitted):
    """Clusters by k-means, each with its mean and its deviations."""

    Config = MixtureConfig
    Part = PooledMixture
    config: MixtureConfig

    def fit(self, standardized: Tensor) -> dict[str, Tensor]:
        """See the base class."""
        from scipy.cluster.vq import kmeans2  # late: training imports this file without it

        x = standardized.double().numpy()
        rng = np.random.default_rng((self.config.seed, 1))
        components = min(self.config.components, len(x))
        _, labels = kmeans2(x, components, minit="++", missing="warn", rng=rng)
        clusters = [x[labels == label] for label in np.unique(labels)]
        parts = {
            "weights": np.array([len(cluster) / len(x) for cluster in clusters]),
            "means": np.stack([cluster.mean(0) for cluster in clusters]),
            "deviations": np.stack([cluster.std(0) for cluster in clusters]),
        }
        return {name: torch.from_numpy(value).float() for name, value in parts.items()}
