"""What stands with scores of few images, and of images that are all alike."""

import numpy as np
import pytest
from builders.features import normal

from gfmn.metrics import reference
from gfmn.metrics.caveats import caveats
from gfmn.metrics.config import KernelConfig, MetricsConfig
from gfmn.metrics.kernel import subset_size
from gfmn.metrics.metric import FeatureSpace, Samples

CONFIG = MetricsConfig(kernel=KernelConfig(subsets=5, size=1000))
IMAGES = np.random.default_rng(0).integers(0, 256, (300, 8, 8, 3), dtype=np.uint8)


def said(count: int, width: int = 6, classes: int = 10, images: np.ndarray = IMAGES) -> list[str]:
    """What the caveats of a number of samples and real images begin with."""
    logits = normal(1, count, classes)
    samples = Samples(FeatureSpace("x"), normal(2, count, width), logits, images=images)
    real = reference.fit(normal(3, count, width), CONFIG)
    return [one.split(":")[0] for one in caveats(samples, real, CONFIG, IMAGES)]


def test_enough_images_have_no_caveat() -> None:
    assert said(1001) == []


def test_each_score_says_that_its_images_are_too_few() -> None:
    assert said(100, width=100, classes=101) == ["fd", "kd", "score", "precision and recall"]
    assert said(101, width=100, classes=101) == ["kd", "precision and recall"]
    assert said(1000) == ["kd"]


@pytest.mark.parametrize("noise", [0, 3])
def test_images_that_are_all_alike_are_marked(noise: int) -> None:
    alike = IMAGES[:1] // 2 + np.random.default_rng(1).integers(0, noise + 1, IMAGES.shape)
    assert said(1001, images=alike.astype(np.uint8)) == ["collapsed"]


def test_subset_of_the_kernel_distance_is_below_the_number_of_images() -> None:
    assert [subset_size(CONFIG, n, 5000) for n in (2, 100, 1000, 1001)] == [2, 50, 500, 1000]
