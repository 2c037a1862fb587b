"""Real images in one evaluator's space as a folder, and what images are compared with.

`features.npy` holds every real image's features (N x D float32), so that it can be read in parts;
`reference.safetensors` their Gaussian, radii, the held-out images' distances, and what they are of.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gfmn.common import tensorfile
from gfmn.common.errors import InputError
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.frechet import Gaussian
from gfmn.metrics.manifold import radii
from gfmn.metrics.scores import Real

FORMAT = "reference-2"
SPACES = ("pixel", "feature")  # in which nearest images are looked for


@dataclass(frozen=True)
class Reference:
    """Real images in an evaluator's space.

    `shares`: of the classes that the evaluator finds in them (K), None without a classifier;
    `held_out`: by space, held-out images' distances to their nearest real image (Q), ascending.
    """

    real: Real
    shares: np.ndarray | None
    held_out: Mapping[str, np.ndarray]
    about: Mapping[str, Any]


def describe(features: np.ndarray, config: MetricsConfig) -> Real:
    """N x D features as scores ask for them; a seed chooses the rows of precision and recall."""
    order = np.random.default_rng((config.seed, 0)).permutation(len(features))
    chosen = np.sort(order[: config.manifold.count])
    near = radii(np.asarray(features[chosen]), config.manifold.k)
    return Real(Gaussian.fit(features), features, chosen, near)


def save(reference: Reference, folder: Path) -> None:
    """Write a reference beside its `features.npy`, which is there already."""
    real = reference.real
    arrays = {
        **{name: getattr(real.gaussian, name) for name in ("mean", "covariance", "root")},
        **{name: torch.from_numpy(getattr(real, name)) for name in ("manifold", "radii")},
        **{f"held_out/{k}": torch.from_numpy(v) for k, v in reference.held_out.items()},
    }
    if reference.shares is not None:
        arrays["shares"] = torch.from_numpy(reference.shares)
    about = {"format": FORMAT, "count": real.gaussian.count, **reference.about}
    tensors = {name: array.contiguous() for name, array in arrays.items()}
    tensorfile.write(folder / "reference.safetensors", tensors, about)


def load(folder: Path, expected: Mapping[str, Any]) -> Reference:
    """Read a reference whose description holds `expected`; else an `InputError`."""
    path = folder / "reference.safetensors"
    about = tensorfile.read_metadata(path, FORMAT)
    for key, value in expected.items():
        if about.get(key) != value:
            raise InputError(f"{path}: expected {key} {value!r}, found {about.get(key)!r}")
    tensors = tensorfile.read(path)
    gaussian = Gaussian(about["count"], tensors["mean"], tensors["covariance"])
    vars(gaussian)["root"] = tensors["root"]  # computed once, for every run that is scored
    features = _features(folder / "features.npy", about["count"], len(gaussian.mean))
    shares = tensors.get("shares")
    return Reference(
        Real(gaussian, features, tensors["manifold"].numpy(), tensors["radii"].numpy()),
        None if shares is None else shares.numpy(),
        {space: tensors[f"held_out/{space}"].numpy() for space in SPACES},
        {key: value for key, value in about.items() if key not in ("format", "count")},
    )


def _features(path: Path, count: int, width: int) -> np.ndarray:
    try:
        features: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: expected {count} x {width} features, found {error}") from None
    if features.shape != (count, width) or features.dtype != np.float32:
        found = f"{' x '.join(map(str, features.shape))} {features.dtype}"
        raise InputError(f"{path}: expected {count} x {width} float32, found {found}")
    return features
