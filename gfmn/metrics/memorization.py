"""Whether generated images are nearer to real ones than unseen real images are: copying."""

import math
from collections.abc import Iterator

import numpy as np

from gfmn.common.errors import InputError
from gfmn.metrics.arrays import shape_of
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.metric import FeatureSpace, Measurement, Metric, Reference, Samples

PIXEL = Metric("memorised", "Memorized, pixels", "half", decimals=3)
FEATURE = Metric("memorised", "Memorized, features", "half", decimals=3)
METRICS: tuple[Metric, ...] = (PIXEL, FEATURE)


def measure(samples: Samples, reference: Reference, config: MetricsConfig) -> Iterator[Measurement]:
    """`closer` in pixels and in features, where distances to the nearest real image are known."""
    spaces = {"pixel": (PIXEL, "pixel"), "feature": (FEATURE, samples.space.name)}
    for key, distances in samples.nearest.items():
        metric, name = spaces[key]
        count, held_out = len(distances), reference.held_out[key]
        over = f"{count:,} images and {len(held_out):,} held out"
        closer = memorized(distances, held_out)["closer"]
        yield metric.measurement(FeatureSpace(name), count, closer, over=over)


def memorized(generated: np.ndarray, held_out: np.ndarray) -> dict[str, float]:
    """Compare two sets of distances to the nearest training row: G generated, H held-out rows'.

    `generated_median`, `held_out_median`: in the distances' unit. `near_copies`: fraction of
    the generated at or below the held-out's first percentile, 0.01 if both are alike. `closer`:
    probability that a generated row is closer than a held-out one, ties counting half: 0.5 if
    both are alike, 1 for copies, and below 0.5 if generated rows are far from all real ones.
    `closer_z`: the same in standard deviations of the Mann-Whitney statistic, above 0 for copying:
    the data-copying statistic of Meehan et al. 2020 (arXiv:2004.05675) with its sign turned, and
    over the whole space as one cell.
    """
    g, h = (np.sort(np.asarray(values, np.float64)) for values in (generated, held_out))
    if g.ndim != 1 or h.ndim != 1 or min(len(g), len(h)) == 0:
        actual = f"{shape_of(g)} and {shape_of(h)}"
        raise InputError(f"expected two vectors of distances, found {actual}")
    if not (np.isfinite(g[-1]) and np.isfinite(h[-1])):  # sorted: NaN is last
        raise InputError("expected finite distances, found an infinity or NaN")
    above = len(h) - np.searchsorted(h, g, "right")
    equal = len(h) - np.searchsorted(h, g, "left") - above
    closer = float((above + equal / 2).mean() / len(h))
    deviation = math.sqrt((len(g) + len(h) + 1) / (12 * len(g) * len(h)))
    return {
        "generated_median": float(np.median(g)),
        "held_out_median": float(np.median(h)),
        "near_copies": float((g <= np.quantile(h, 0.01)).mean()),
        "closer": closer,
        "closer_z": (closer - 0.5) / deviation,
    }
