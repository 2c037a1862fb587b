"""How much of the images is a checkerboard, as up-sampling in strides of two leaves it."""

from collections.abc import Iterator

import numpy as np

from gfmn.common.errors import InputError
from gfmn.metrics.arrays import shape_of
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.metric import FeatureSpace, Measurement, Metric, Reference, Samples

CHECKERBOARD = Metric("checkerboard", "Checkerboard", "lower", decimals=5)
METRICS: tuple[Metric, ...] = (CHECKERBOARD,)


def measure(samples: Samples, reference: Reference, config: MetricsConfig) -> Iterator[Measurement]:
    """Of the images themselves, where they are given. Real images have some of it too."""
    if samples.images is not None:
        count, value = len(samples.images), checkerboard(samples.images)
        yield CHECKERBOARD.measurement(FeatureSpace("pixel"), count, value)


def checkerboard(images: np.ndarray) -> float:
    """The checkerboard's share of the variance of N x H x W x C images.

    Of every 2 x 2 pixels x, `((x00 - x10 - x01 + x11) / 4)^2` in the mean, over the variance of all
    pixels of a channel, both summed over channels: 1 for a checkerboard, 1/4 for white noise. 0
    where all pixels are alike.
    """
    if images.ndim != 4 or not len(images) or min(images.shape[1:3]) < 2:
        raise InputError(f"expected images of 2 x 2 pixels or more, found {shape_of(images)}")
    height, width = (side // 2 * 2 for side in images.shape[1:3])
    x = images[:, :height, :width].astype(np.float64)
    board = (x[:, ::2, ::2] - x[:, 1::2, ::2] - x[:, ::2, 1::2] + x[:, 1::2, 1::2]) / 4
    variance = float(x.var((0, 1, 2)).sum())
    return float((board**2).mean((0, 1, 2)).sum()) / variance if variance > 0 else 0.0
