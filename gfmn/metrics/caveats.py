"""What scores of few images, and of images that are all alike, cannot say."""

from collections.abc import Iterator, Sequence

import numpy as np

from gfmn.common.images import difference
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.metric import RealFeatures, Samples

LEAST = 1000  # images on each side, in precision and recall and along directions
LEAST_NEAREST = 100  # samples whose nearest real images are known: a deviation of 0.03
LEAST_OF_CLASS = 10  # images a class, of which a tenth is to be told from none
LEAST_OF_SPLIT = 10  # images
COLLAPSED = 0.1  # of the real images' difference
SOME = 256  # images whose difference is measured


def caveats(
    samples: Samples,
    real: RealFeatures,
    config: MetricsConfig,
    images: np.ndarray,
    classes: bool = False,
) -> tuple[str, ...]:
    """One sentence for each score of too few images, and one for images that are all alike.

    `images`: the real ones, N x H x W x 3 uint8. `classes`: the evaluator's are the data's own.
    """
    least, width = min(len(samples.features), len(real.features)), samples.features.shape[1]
    fewest, found = min(least, *config.counts), []
    if text := frechet_caveat(fewest, width):
        found.append(text)
    elif (smallest := round(config.infinity.smallest * len(samples.features))) <= width:
        found.append(
            f"fd of infinitely many: begins at {smallest:,} images; more than {width:,} are needed"
        )
    if least <= config.kernel.size:
        found.append(
            f"kd: {least:,} images are too few for subsets of {config.kernel.size:,}, so that the "
            "deviation says little"
        )
    found += _of_classes(samples, config, classes)
    if fewest < LEAST:
        found.append(f"sliced Wasserstein: {fewest:,} images, {LEAST:,} are the least")
    if least < LEAST or config.manifold.count < LEAST:
        count = min(least, config.manifold.count)
        found.append(f"precision and recall: {count:,} images, {LEAST:,} are the least")
    near = min(map(len, samples.nearest.values()), default=LEAST_NEAREST)
    if near < LEAST_NEAREST:
        found.append(f"memorized: {near:,} samples, {LEAST_NEAREST:,} are the least")
    return (*found, *_alike(samples.images, images))


def frechet_caveat(count: int, width: int) -> str:
    """What a Fréchet distance of so many images in so many features is; '' where they suffice."""
    if count > width:
        return ""
    return (
        f"fd: {count:,} images have no covariance of {width:,} features: more than {width:,} "
        "are needed on each side, and the value is mostly bias"
    )


def _of_classes(samples: Samples, config: MetricsConfig, classes: bool) -> Iterator[str]:
    if samples.logits is None:
        return
    count, k = samples.logits.shape
    if count < k:
        yield (
            f"score: {count:,} images are fewer than the {k:,} classes, "
            "and the value depends on their number"
        )
    elif count < LEAST_OF_SPLIT * config.splits:
        yield (
            f"score: {count:,} images in {config.splits} splits, "
            f"{LEAST_OF_SPLIT} in each are the least"
        )
    if classes and count < LEAST_OF_CLASS * k:
        yield (
            f"classes covered and their distance: {count:,} images of {k:,} classes, "
            f"{LEAST_OF_CLASS} of each are the least"
        )


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
