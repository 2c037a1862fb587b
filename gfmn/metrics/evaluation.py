"""From images to scores: real images described, others compared with them."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gfmn.common.errors import InputError
from gfmn.common.files import new_array
from gfmn.datasets.prepared import PreparedDataset
from gfmn.metrics import neighbors, reference
from gfmn.metrics.caveats import caveats
from gfmn.metrics.classes import class_frequencies
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.evaluator import Evaluator, Features
from gfmn.metrics.metric import Measurements, Reference, Samples
from gfmn.metrics.nearest import nearest
from gfmn.metrics.registry import measure_all

CHUNK = 4096  # rows copied at a time


@dataclass(frozen=True)
class EvaluationResult:
    """Scores of one set of images, and what a report shows beside them.

    `classes`: frequencies of the classes in the real and in these images, of a classifier trained
    on them; `nearest`: by space, percentiles 0 to 100 of the distances to the nearest real image;
    `pictures`: by space, some of the images, from near to far, above their nearest real ones;
    `caveats`: what so few images, or images that are all alike, cannot say.
    """

    scores: Measurements
    classes: dict[str, Any] | None = None
    nearest: dict[str, Any] | None = None
    pictures: Mapping[str, np.ndarray] | None = None
    caveats: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """All but the pictures."""
        scores = {name: score.to_json() for name, score in self.scores.items()}
        return {"scores": scores, **self.details()}

    def details(self) -> dict[str, Any]:
        """What there is besides the scores, but for the pictures."""
        data = {
            "classes": self.classes,
            "nearest": self.nearest,
            "caveats": list(self.caveats) or None,
        }
        return {key: value for key, value in data.items() if value is not None}

    def warn(self, label: str) -> None:
        """Print the caveats to standard error, a line each."""
        for caveat in self.caveats:
            print(f"{label}: WARNING: {caveat}", file=sys.stderr, flush=True)


def describe_real(
    data: PreparedDataset,
    held_out: PreparedDataset | None,
    evaluator: Evaluator,
    config: MetricsConfig,
    folder: Path,
) -> tuple[Reference, Features]:
    """Real images' reference and features; the features go to files in `folder`.

    `held_out`: other real images, whose distances to these show what is no copy; None: each image's
    distance to the nearest other one.
    """
    features = evaluator.features(data.images, folder)
    frequencies = None
    name = data.metadata.get("name")
    if evaluator.knows(name) and features.logits is not None:
        frequencies = class_frequencies(features.logits)
    facts = {
        "dataset": name,
        "dataset_digest": data.metadata.get("digest"),
        "split": data.metadata.get("split"),
        "settings": config.model_dump(mode="json"),
        **evaluator.facts(name),
    }
    distances = _held_out_distances(data, held_out, features, evaluator, config)
    real = reference.fit(features.pooled, config)
    return Reference(real, frequencies, distances, facts), features


def real_against_real(
    data: PreparedDataset,
    held_out: PreparedDataset | None,
    described: tuple[Reference, Features],
    evaluator: Evaluator,
    config: MetricsConfig,
    folder: Path,
) -> tuple[EvaluationResult, int, int]:
    """Held-out images against all real ones, or one random half of these against the other.

    Also how many were scored, and against how many. `folder`: for temporary files, so that memory
    does not grow with the number of images.
    """
    against, features = described
    if held_out is not None:
        needed = against.class_frequencies is not None
        images, labels = held_out.images, labels_by_name(held_out, data, needed)
        features = evaluator.features(held_out.images, folder / "held_out")
        rows = np.arange(len(held_out.images))
    else:
        rows, others = data.split(0.5, config.seed)
        images, labels = data.images, data.labels
        other_half = _copied(features, others, folder / "others")
        against = replace(against, real=reference.fit(other_half.pooled, config))
    rows = np.random.default_rng((config.seed, 2)).permutation(rows)
    chosen = _copied(features, rows, folder / "chosen")
    row_labels = None if labels is None else np.asarray(labels)[rows]
    some = np.asarray(images[np.sort(rows[: config.neighbors])])
    samples = Samples(evaluator.space, chosen.pooled, chosen.logits, row_labels, images=some)
    scores = measure_all(samples, against, config)
    result = EvaluationResult(
        scores,
        _class_histograms(chosen, against, data),
        caveats=_caveats(samples, against, config, data),
    )
    return result, len(rows), against.real.gaussian.count


def compare(
    images: np.ndarray,
    data: PreparedDataset,
    against: Reference,
    evaluator: Evaluator,
    config: MetricsConfig,
    folder: Path,
) -> EvaluationResult:
    """N x H x W x 3 uint8 images against real ones.

    Where some of them are enough, a seed chooses. `folder`: for temporary files, so that memory
    does not grow with N. Raises `InputError` for images of another size.
    """
    if images.shape[1:] != data.images.shape[1:]:
        both = f"{images.shape[1:3]}, and real ones of {data.images.shape[1:3]}"
        raise InputError(f"{evaluator.name}: expected images of one size, found {both}")
    order = np.random.default_rng((config.seed, 2)).permutation(len(images))
    features = _copied(evaluator.features(images, folder / "all"), order, folder / "ordered")
    count = min(config.neighbors, len(images))
    some = np.asarray(images[order[:count]])
    near = neighbors.find_neighbors(some, features.pooled[:count], data.images, against)
    distances = {space: one.distances[:, 0] for space, one in near.items()}
    samples = Samples(
        evaluator.space, features.pooled, features.logits, nearest=distances, images=some
    )
    units = {"pixel": "gray levels", "feature": f"{evaluator.name} features"}
    return EvaluationResult(
        measure_all(samples, against, config),
        _class_histograms(features, against, data),
        {
            space: neighbors.percentiles(values, against.held_out[space], units[space])
            for space, values in distances.items()
        },
        {space: neighbors.picture(some, data.images, one) for space, one in near.items()},
        _caveats(samples, against, config, data),
    )


def _caveats(
    samples: Samples, against: Reference, config: MetricsConfig, data: PreparedDataset
) -> tuple[str, ...]:
    own = against.class_frequencies is not None
    return caveats(samples, against.real, config, data.images, own)


def labels_by_name(
    images: PreparedDataset, data: PreparedDataset, needed: bool = True
) -> np.ndarray | None:
    """The labels of `images` in the numbers that `data` has for classes of the same names.

    As they are where one of both has no names. `needed`: whether a class that `data` has not is an
    `InputError`; else the labels are None then.
    """
    labels = images.labels
    own, known = (one.metadata.get("classes") for one in (images, data))
    if labels is None or not own or not known or own == known:
        return labels
    numbers = {name: number for number, name in enumerate(known)}
    mapped: np.ndarray = np.array([numbers.get(name, -1) for name in own])[labels]
    if (mapped >= 0).all():
        return mapped
    if not needed:
        return None
    missing = own[int(labels[mapped < 0][0])]
    name, other = images.metadata.get("name"), data.metadata.get("name")
    expected = f"classes that the data set {other!r} has too"
    raise InputError(f"data set {name!r}: expected {expected}, found {missing!r}")


def _held_out_distances(
    data: PreparedDataset,
    held_out: PreparedDataset | None,
    features: Features,
    evaluator: Evaluator,
    config: MetricsConfig,
) -> dict[str, np.ndarray]:
    """Some held-out images' distances to their nearest real ones, ascending, by space."""
    others = data if held_out is None else held_out
    order = np.random.default_rng((config.seed, 1)).permutation(len(others.images))
    rows = np.sort(order[: config.neighbors])
    images = np.asarray(others.images[rows])
    leave_out = rows if held_out is None else None
    queried = features.pooled[rows] if held_out is None else evaluator.features(images).pooled
    pairs = {"pixel": (images, data.images), "feature": (queried, features.pooled)}
    return {
        space: np.sort(nearest(queries, real, 1, leave_out=leave_out)[0][:, 0])
        for space, (queries, real) in pairs.items()
    }


def _class_histograms(
    features: Features, against: Reference, data: PreparedDataset
) -> dict[str, Any] | None:
    """The classes' frequencies in the real and in these images, with the classes' names."""
    if against.class_frequencies is None or features.logits is None:
        return None
    frequencies = class_frequencies(features.logits)
    names, count = data.metadata.get("classes"), len(frequencies)
    return {
        "names": list(names[:count]) if names and len(names) >= count else None,
        "real": [round(float(value), 6) for value in against.class_frequencies],
        "generated": [round(float(value), 6) for value in frequencies],
    }


def _copied(features: Features, rows: np.ndarray, folder: Path) -> Features:
    """Some rows, copied to files a chunk at a time."""
    folder.mkdir(parents=True, exist_ok=True)

    def copy(array: np.ndarray, name: str) -> np.ndarray:
        shape = (len(rows), array.shape[1])
        out = new_array(folder / f"{name}.npy", array.dtype, shape)
        for start in range(0, len(rows), CHUNK):
            out[start : start + CHUNK] = array[rows[start : start + CHUNK]]
        return out

    logits = None if features.logits is None else copy(features.logits, "logits")
    return Features(copy(features.pooled, "features"), logits)
