"""Real images in one evaluator's space as a folder.

`features.npy` holds every real image's features (N x D float32), so that it can be read in parts;
`reference.safetensors` their Gaussian, the radii, the held-out images' distances and the facts.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gfmn.common import tensorfile
from gfmn.common.array_files import open_array
from gfmn.common.errors import InputError
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.gaussian import Gaussian
from gfmn.metrics.metric import SPACES, RealFeatures, Reference
from gfmn.metrics.precision_recall import radii

FORMAT = "reference-2"
# Of D features and the M images of precision and recall.
AXES = {"mean": "D", "covariance": "DD", "root": "DD", "radii": "M", "manifold": "M"}


def fit(features: np.ndarray, config: MetricsConfig) -> RealFeatures:
    """N x D features as metrics ask for them; a seed chooses the rows of precision and recall."""
    order = np.random.default_rng((config.seed, 0)).permutation(len(features))
    rows = np.sort(order[: config.manifold.count])
    row_radii = radii(np.asarray(features[rows]), config.manifold.k)
    return RealFeatures(Gaussian.fit(features).with_root(), features, rows, row_radii)


def save(reference: Reference, folder: Path) -> None:
    """Write a reference beside its `features.npy`, which is there already."""
    real = reference.real
    gaussian = real.gaussian.with_root()
    tensors = {
        **{name: getattr(gaussian, name) for name in ("mean", "covariance", "root")},
        **{name: torch.from_numpy(getattr(real, name)) for name in ("manifold", "radii")},
        **{f"held_out/{k}": torch.from_numpy(v) for k, v in reference.held_out.items()},
    }
    if reference.class_frequencies is not None:
        tensors["shares"] = torch.from_numpy(reference.class_frequencies)
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    facts = {"format": FORMAT, "count": gaussian.count, **reference.facts}
    tensorfile.write(folder / "reference.safetensors", tensors, facts)


def load(folder: Path, expected: Mapping[str, Any]) -> Reference:
    """Read a reference whose facts include `expected`; else an `InputError`."""
    path = folder / "reference.safetensors"
    facts = tensorfile.read_metadata(path, FORMAT)
    for key, value in expected.items():
        if facts.get(key) != value:
            raise InputError(f"{path}: expected {key} {value!r}, found {facts.get(key)!r}")
    tensors = tensorfile.read(path)
    _check(tensors, facts.get("count"), path)
    names = ("mean", "covariance", "root")
    gaussian = Gaussian(facts["count"], *(tensors[name] for name in names))
    features = _features(folder / "features.npy", gaussian.count, len(gaussian.mean))
    frequencies = tensors.get("shares")
    return Reference(
        RealFeatures(gaussian, features, tensors["manifold"].numpy(), tensors["radii"].numpy()),
        None if frequencies is None else frequencies.numpy(),
        {space: tensors[f"held_out/{space}"].numpy() for space in SPACES},
        {key: value for key, value in facts.items() if key not in ("format", "count")},
    )


def _check(tensors: Mapping[str, Tensor], count: Any, path: Path) -> None:
    """Raise `InputError` unless tensors are there, fit each other and are what their names say."""
    held_out = [f"held_out/{space}" for space in SPACES]
    for key in (*AXES, *held_out):
        if key not in tensors:
            raise InputError(f"{path}: expected the tensor {key!r}, found none")
    width, rows = len(tensors["mean"].reshape(-1)), len(tensors["radii"].reshape(-1))
    for key, axes in AXES.items():
        shape = tuple({"D": width, "M": rows}[axis] for axis in axes)
        if (found := tuple(tensors[key].shape)) != shape:
            raise InputError(f"{path}: {key!r}: expected the shape {shape}, found {found}")
    if type(count) is not int or count < 2:
        raise InputError(f"{path}: count: expected 2 or more, found {count!r:.60}")
    numbers = tensors["manifold"]
    if numbers.dtype != torch.int64 or numbers.min() < 0 or numbers.max() >= count:
        raise InputError(f"{path}: 'manifold': expected numbers of {count} images, found others")
    floats = {key: value for key, value in tensors.items() if key != "manifold"}
    tensorfile.check_numbers(floats, path)
    variances = {"covariance": tensors["covariance"].diagonal()}
    positive = {key: floats[key] for key in ("radii", "shares", *held_out) if key in floats}
    tensorfile.check_numbers({**variances, **positive}, path, least=0)


def _features(path: Path, count: int, width: int) -> np.ndarray:
    features = open_array(path, expected=f"{count} x {width} features")
    if features.shape != (count, width) or features.dtype != np.float32:
        actual = f"{' x '.join(map(str, features.shape))} {features.dtype}"
        raise InputError(f"{path}: expected {count} x {width} float32, found {actual}")
    return features
