"""The sliced Wasserstein distance: how images are distributed along random directions.

Its own computation on purpose: no objective of training shares code with it.
"""

from collections.abc import Iterator

import numpy as np

from gfmn.common.errors import InputError
from gfmn.metrics.arrays import chunks, shape_of
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.metric import Measurement, Metric, Reference, Samples

SLICED = Metric("sw", "Sliced Wasserstein distance", "lower")
METRICS: tuple[Metric, ...] = (SLICED,)


def measure(samples: Samples, reference: Reference, config: MetricsConfig) -> Iterator[Measurement]:
    """Of the fewest of `config.counts`, since it depends on the count, to all real images."""
    rows = samples.features[: min(config.counts)]
    value = sliced_wasserstein(rows, reference.real.features, config.slices, config.seed)
    over = f"{config.slices} directions"
    yield SLICED.measurement(samples.space, len(rows), value, over=over)


def sliced_wasserstein(a: np.ndarray, b: np.ndarray, slices: int, seed: int) -> float:
    """The root of the mean over random unit directions of the squared 2-Wasserstein distance.

    `a` N x D, `b` M x D (Bonneel et al. 2015). Along a direction both sets' quantile functions are
    steps; the integral of their squared difference is exact.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1] or not (len(a) and len(b)):
        raise InputError(f"expected rows of one width, found {shape_of(a)} and {shape_of(b)}")
    directions = np.random.default_rng((seed, 3)).normal(size=(a.shape[1], slices))
    directions /= np.linalg.norm(directions, axis=0)
    places = [
        np.sort(np.concatenate([rows.numpy() @ directions for rows in chunks(x)]), axis=0)
        for x in (a, b)
    ]
    ends = np.union1d(*(np.arange(1, len(x) + 1) / len(x) for x in (a, b)))
    middles = (ends + np.concatenate(([0.0], ends[:-1]))) / 2
    steps = [place[(middles * len(place)).astype(int)] for place in places]
    widths = np.diff(ends, prepend=0.0)
    return float(np.sqrt((widths @ (steps[0] - steps[1]) ** 2).mean()))
