"""All scores of a set of images in one feature space, each under a name that says which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gfmn.common.errors import InputError
from gfmn.metrics.class_score import class_score
from gfmn.metrics.classes import class_report
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.frechet import Gaussian, frechet_to
from gfmn.metrics.infinity import frechet_infinity
from gfmn.metrics.kernel import kernel_distance
from gfmn.metrics.manifold import precision_recall

DIGITS = 6  # significant ones that are written


@dataclass(frozen=True)
class Space:
    """A feature space's name, and whether it is the one of IS, FID and KID."""

    name: str
    canonical: bool = False

    def key(self, score: str, count: int | str) -> str:
        """A score's name: FID's, IS's and KID's own only in Inception's space."""
        size = count if isinstance(count, str) else thousands(count)
        if self.canonical and score in CANONICAL:
            return f"{CANONICAL[score]}_{size}"
        return f"{score}_{self.name}_{size}"


CANONICAL = {"fd": "fid", "score": "is", "kd": "kid"}


@dataclass(frozen=True)
class Score:
    """A number, and where it is a mean its standard deviation and what it was taken over."""

    value: float
    std: float | None = None
    over: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Without what is not there; numbers of six significant digits."""
        found = {"value": _short(self.value), "std": _short(self.std), "over": self.over}
        return {key: value for key, value in found.items() if value is not None}


Scores = dict[str, Score]


@dataclass(frozen=True)
class Real:
    """What scores ask of real images: their Gaussian, N x D features, and the k-NN radii of some.

    `manifold`: the M rows that stand for them in precision and recall; `radii`: theirs, M.
    """

    gaussian: Gaussian
    features: np.ndarray
    manifold: np.ndarray
    radii: np.ndarray


def thousands(count: int) -> str:
    """A sample count as a name says it: 5000 -> "5k", 1797 -> "1797"."""
    return f"{count // 1000}k" if count % 1000 == 0 else str(count)


def score(
    features: np.ndarray, logits: np.ndarray | None, real: Real, space: Space, config: MetricsConfig
) -> Scores:
    """Every score of N x D features and N x K logits of images in random order.

    A Fréchet distance of fewer than N images takes the first. Precision and recall compare equal
    numbers of images where there are enough. Raises `InputError` for features of another width.
    """
    count, width = features.shape
    if width != real.features.shape[1]:
        both = f"{width}, and {real.features.shape[1]} of the real images"
        raise InputError(f"{space.name}: expected features of one width, found {both}")
    found: Scores = {}
    for size in sorted({*(n for n in config.counts if n < count), count}):
        found[space.key("fd", size)] = Score(frechet_to(features[:size], real.gaussian))
    smallest = max(2, round(config.infinity.smallest * count))
    limit = frechet_infinity(features, real.gaussian, config.infinity.points, smallest, config.seed)
    over = f"{config.infinity.points} sizes from {smallest:,}"
    found[space.key("fd", "inf")] = Score(limit, over=over)
    if logits is not None:
        mean, std = class_score(logits, config.splits, config.seed)
        found[space.key("score", count)] = Score(mean, std, f"{config.splits} splits")
    found |= _kernel(features, real, space, config)
    return found | _manifold(features, real, space, config)


def _kernel(features: np.ndarray, real: Real, space: Space, config: MetricsConfig) -> Scores:
    subsets, size = config.kernel.subsets, config.kernel.size
    size = min(size, len(features), len(real.features))
    mean, std = kernel_distance(features, real.features, subsets, size, config.seed)
    over = f"{subsets} subsets of {size:,}"
    return {space.key("kd", len(features)): Score(mean, std, over)}


def _manifold(features: np.ndarray, real: Real, space: Space, config: MetricsConfig) -> Scores:
    generated = np.asarray(features[: config.manifold.count])
    rows = np.asarray(real.features[real.manifold])
    values = precision_recall(rows, generated, config.manifold.k, real.radii)
    over = f"k = {config.manifold.k}, {len(generated):,} and {len(rows):,} images"
    return {
        space.key(name, len(generated)): Score(value, over=over)
        for name, value in zip(("precision", "recall"), values, strict=True)
    }


def class_scores(
    logits: np.ndarray,
    real_shares: np.ndarray | None,
    labels: np.ndarray | None,
    space: Space,
) -> tuple[Scores, np.ndarray]:
    """What a classifier of the data's own classes says of N x K logits, and the K classes' shares.

    `real_shares`: the real images' shares by the same classifier; `labels`: N true classes.
    """
    report = class_report(logits, real_shares, labels)
    shares = np.asarray(report["shares"])
    known = ("accuracy", "confidence", "confident", "covered", "class_distance")
    return {
        space.key(name, len(logits)): Score(report[name]) for name in known if name in report
    }, shares


def means(by_seed: Sequence[Mapping[str, Score]]) -> dict[str, float]:
    """Each score's mean over seeds, by name, of six significant digits."""
    names = dict.fromkeys(name for scores in by_seed for name in scores)
    values = {n: [scores[n].value for scores in by_seed if n in scores] for n in names}
    return {name: float(f"{np.mean(found):.{DIGITS}g}") for name, found in values.items()}


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")
