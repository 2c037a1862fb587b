"""Real images' features as a file, and the scores of images against it."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from gfmn import tensorfile
from gfmn.config import Config
from gfmn.errors import InputError
from gfmn.metrics.class_score import class_score
from gfmn.metrics.frechet import Gaussian, frechet_distance

FORMAT = "reference-1"


class ReferenceConfig(Config):
    """Which real images are described, in which evaluator's space."""

    dataset: str
    evaluator: str


def thousands(count: int) -> str:
    """A sample count as a name says it: 5000 -> "5k", 1797 -> "1797"."""
    return f"{count // 1000}k" if count % 1000 == 0 else str(count)


def scores(
    features: np.ndarray, logits: np.ndarray, reference: Gaussian, evaluator: str
) -> dict[str, Any]:
    """Fréchet distance and Inception-style score of N x D features and N x K logits.

    The names carry the evaluator's space and N: both move the numbers, and neither is
    Inception's.
    """
    suffix = f"{evaluator}_{thousands(len(features))}"
    mean, std = class_score(torch.from_numpy(logits))
    distance = frechet_distance(reference, Gaussian.fit(torch.from_numpy(features)))
    return {
        f"fd_{suffix}": round(distance, 4),
        f"score_{suffix}": {"mean": round(mean, 4), "std": round(std, 4)},
    }


def save(reference: Gaussian, about: dict[str, Any], path: Path) -> None:
    """Write a reference file: tensors `mean`, `covariance` and its `root`, and a description."""
    names = ("mean", "covariance", "root")
    tensors = {name: getattr(reference, name).contiguous() for name in names}
    tensorfile.write(path, tensors, {"format": FORMAT, "count": reference.count, **about})


def load(path: Path, expected: dict[str, Any]) -> Gaussian:
    """Read a reference file whose description holds `expected`; else an `InputError`."""
    about = tensorfile.read_about(path, FORMAT)
    for key, value in expected.items():
        if about.get(key) != value:
            raise InputError(f"{path}: expected {key} {value!r}, found {about.get(key)!r}")
    tensors = tensorfile.read(path)
    gaussian = Gaussian(about["count"], tensors["mean"], tensors["covariance"])
    vars(gaussian)["root"] = tensors["root"]  # computed once, for every run that is scored
    return gaussian
