"""From images to scores: real images described, others compared with them, pictures of both."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gfmn.common.errors import InputError
from gfmn.common.images import grid
from gfmn.datasets.prepared import PreparedDataset
from gfmn.metrics import reference
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.evaluator import Evaluator, Features
from gfmn.metrics.nearest import memorised, nearest
from gfmn.metrics.reference import Reference
from gfmn.metrics.scores import Score, Scores, Space, class_scores, score, thousands

SUSPECTS = 3  # the samples nearest to a real image, in a picture of neighbours
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)  # of the samples by that distance, further on in it
NEIGHBOURS = 3  # real images below each
CHUNK = 4096  # rows copied at a time


@dataclass(frozen=True)
class Evaluation:
    """Scores of one set of images, and what a report shows beside them.

    `classes`: shares of the real and of these images by class, of a classifier trained on them;
    `nearest`: by space, percentiles 0 to 100 of the distances to the nearest real image;
    `pictures`: by space, some of the images, from near to far, above their nearest real ones.
    """

    scores: Scores
    classes: dict[str, Any] | None = None
    nearest: dict[str, Any] | None = None
    pictures: Mapping[str, np.ndarray] | None = None

    def to_json(self) -> dict[str, Any]:
        """All but the pictures."""
        scores = {name: score.to_json() for name, score in self.scores.items()}
        found = {"scores": scores, "classes": self.classes, "nearest": self.nearest}
        return {key: value for key, value in found.items() if value is not None}


def space_of(evaluator: Evaluator) -> Space:
    """The evaluator's space, as scores are named."""
    return Space(evaluator.name, evaluator.canonical)


def facts_of(evaluator: Evaluator) -> dict[str, Any]:
    """What must be said of an evaluator beside every score."""
    return {
        "evaluator": evaluator.name,
        "evaluator_digest": evaluator.digest,
        "architecture": evaluator.architecture,
        "resizer": evaluator.resizer,
        "canonical": evaluator.canonical,
        "in_domain": evaluator.in_domain is not None,
    }


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
    shares = None
    if evaluator.in_domain and features.logits is not None:
        _, shares = class_scores(features.logits, None, None, space_of(evaluator))
    others = data if held_out is None else held_out
    order = np.random.default_rng((config.seed, 1)).permutation(len(others.images))
    rows = np.sort(order[: config.nearest])
    pictures = np.asarray(others.images[rows])
    leave_out = rows if held_out is None else None
    seen = features.pooled[rows] if held_out is None else evaluator.features(pictures).pooled
    queries = {"pixel": (pictures, data.images), "feature": (seen, features.pooled)}
    distances = {
        space: np.sort(nearest(query, real, 1, leave_out=leave_out)[0][:, 0])
        for space, (query, real) in queries.items()
    }
    about = {
        "dataset": data.metadata.get("name"),
        "dataset_digest": data.metadata.get("digest"),
        "split": data.metadata.get("split"),
        "settings": config.model_dump(mode="json"),
        **facts_of(evaluator),
    }
    real = reference.describe(features.pooled, config)
    return Reference(real, shares, distances, about), features


def real_against_real(
    data: PreparedDataset,
    held_out: PreparedDataset | None,
    described: tuple[Reference, Features],
    evaluator: Evaluator,
    config: MetricsConfig,
    spool: Path,
) -> tuple[Evaluation, int, int]:
    """Held-out images against all real ones, or one random half of these against the other.

    Also how many were scored, and against how many. `spool`: a folder for what memory is not to
    hold.
    """
    full, features = described
    if held_out is not None:
        images, labels, real = held_out.images, held_out.labels, full.real
        features = evaluator.features(images, spool / "held_out")
        rows = np.arange(len(images))
    else:
        rows, others = data.split(0.5, config.seed)
        labels = data.labels
        rest = _picked(features, others, spool / "others")
        real = reference.describe(rest.pooled, config)
    rows = np.random.default_rng((config.seed, 2)).permutation(rows)
    chosen = _picked(features, rows, spool / "chosen")
    scores = score(chosen.pooled, chosen.logits, real, space_of(evaluator), config)
    found = None if labels is None else np.asarray(labels)[rows]
    more, classes = _classes(chosen, full.shares, found, evaluator, data)
    return Evaluation(scores | more, classes), len(rows), real.gaussian.count


def compare(
    images: np.ndarray,
    data: PreparedDataset,
    real: Reference,
    evaluator: Evaluator,
    config: MetricsConfig,
    spool: Path,
) -> Evaluation:
    """N x H x W x 3 uint8 images against real ones.

    Where some of them are enough, a seed chooses. `spool`: a folder for features, so that memory
    does not grow with N. Raises `InputError` for images of another size.
    """
    if images.shape[1:] != data.images.shape[1:]:
        found = f"{images.shape[1:3]}, and real ones of {data.images.shape[1:3]}"
        raise InputError(f"{evaluator.name}: expected images of one size, found {found}")
    space = space_of(evaluator)
    order = np.random.default_rng((config.seed, 2)).permutation(len(images))
    features = _picked(evaluator.features(images, spool / "all"), order, spool / "ordered")
    scores = score(features.pooled, features.logits, real.real, space, config)
    more, classes = _classes(features, real.shares, None, evaluator, data)
    scores |= more
    count = min(config.nearest, len(images))
    pictured = np.asarray(images[order[:count]])
    queries = {
        "pixel": (pictured, data.images, "grey levels"),
        "feature": (features.pooled[:count], real.real.features, f"{evaluator.name} features"),
    }
    percentiles, pictures = {}, {}
    for name, (query, against, unit) in queries.items():
        distances, indices = nearest(query, against, NEIGHBOURS)
        closer = memorised(distances[:, 0], real.held_out[name])["closer"]
        label = "pixel" if name == "pixel" else evaluator.name
        over = f"{count:,} images and {len(real.held_out[name]):,} held out"
        scores[f"memorised_{label}_{thousands(count)}"] = Score(closer, over=over)
        parts = {"generated": distances[:, 0], "held_out": real.held_out[name]}
        percentiles[name] = {"unit": unit} | {k: _percentiles(v) for k, v in parts.items()}
        pictures[name] = _neighbours(pictured, data.images, distances, indices)
    return Evaluation(scores, classes, percentiles, pictures)


def _classes(
    features: Features,
    real_shares: np.ndarray | None,
    labels: np.ndarray | None,
    evaluator: Evaluator,
    data: PreparedDataset,
) -> tuple[Scores, dict[str, Any] | None]:
    if real_shares is None or features.logits is None:
        return {}, None
    scores, shares = class_scores(features.logits, real_shares, labels, space_of(evaluator))
    names = data.metadata.get("classes")
    return scores, {
        "names": list(names) if names and len(names) == len(shares) else None,
        "real": [round(float(share), 6) for share in real_shares],
        "generated": [round(float(share), 6) for share in shares],
    }


def _picked(features: Features, rows: np.ndarray, spool: Path) -> Features:
    """Some rows, copied to files a chunk at a time."""
    spool.mkdir(parents=True, exist_ok=True)

    def copy(array: np.ndarray, name: str) -> np.ndarray:
        shape = (len(rows), array.shape[1])
        out = np.lib.format.open_memmap(spool / f"{name}.npy", "w+", array.dtype, shape)
        for start in range(0, len(rows), CHUNK):
            out[start : start + CHUNK] = array[rows[start : start + CHUNK]]
        return out

    logits = None if features.logits is None else copy(features.logits, "logits")
    return Features(copy(features.pooled, "features"), logits)


def _percentiles(distances: np.ndarray) -> list[float]:
    return [float(f"{value:.5g}") for value in np.percentile(distances, np.arange(101))]


def _neighbours(
    images: np.ndarray, real: np.ndarray, distances: np.ndarray, indices: np.ndarray
) -> np.ndarray:
    """The images nearest to a real one and some farther ones; below each its nearest real ones."""
    order, last = np.argsort(distances[:, 0], kind="stable"), len(images) - 1
    ranks = [min(rank, last) for rank in range(SUSPECTS)]
    chosen = order[[*ranks, *(round(share * last) for share in QUANTILES)]]
    rows = [images[chosen], *(real[np.asarray(indices[chosen, k])] for k in range(NEIGHBOURS))]
    return grid(np.concatenate(rows), columns=len(chosen))
