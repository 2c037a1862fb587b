"""What scores of few images, and of images that are all alike, cannot say."""

from collections.abc import Sequence

import numpy as np

from gfmn.common.images import difference
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.metric import RealFeatures, Samples

LEAST_NEIGHBORS = 1000  # images on each side, in precision and recall
COLLAPSED = 0.1  # of the real images' difference
SOME = 256  # images whose difference is measured


def caveats(
    samples: Samples, real: RealFeatures, config: MetricsConfig, images: np.ndarray
) -> tuple[str, ...]:
    """One sentence for each score of too few images, and one for images that are all alike.

    `images`: the real ones, N x H x W x 3 uint8.
    """
    least, width = min(len(samples.features), len(real.features)), samples.features.shape[1]
    found = []
    if least <= width:
        found.append(
            f"fd: {least:,} images have no covariance of {width:,} features: more than {width:,} "
            "are needed on each side, and the value is mostly bias"
        )
    if least <= config.kernel.size:
        found.append(
            f"kd: {least:,} images are too few for subsets of {config.kernel.size:,}, so that the "
            "deviation says little"
        )
    if samples.logits is not None and len(samples.logits) < (k := samples.logits.shape[1]):
        found.append(
            f"score: {len(samples.logits):,} images are fewer than the {k:,} classes, "
            "and the value depends on their number"
        )
    if least < LEAST_NEIGHBORS:
        found.append(f"precision and recall: {least:,} images, {LEAST_NEIGHBORS:,} are the least")
    return (*found, *_alike(samples.images, images))


def _alike(images: np.ndarray | None, real: np.ndarray) -> Sequence[str]:
    if images is None or len(images) < 2 or len(real) < 2:
        return ()
    own, other = (difference(x[:: -(-len(x) // SOME)]) for x in (images, real))
    if own >= COLLAPSED * other:
        return ()
    return (
        f"collapsed: the images are all alike: they differ by {own:.3g} of 255 gray levels, real "
        f"ones by {other:.3g}",
    )
