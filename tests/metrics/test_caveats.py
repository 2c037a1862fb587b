"""What stands with scores of few images, and of images that are all alike."""

from typing import Any

import numpy as np
import pytest
from builders.features import normal

from gfmn.metrics import reference
from gfmn.metrics.caveats import caveats
from gfmn.metrics.config import KernelConfig, ManifoldConfig, MetricsConfig
from gfmn.metrics.kernel import subset_size
from gfmn.metrics.metric import FeatureSpace, Samples

CONFIG = MetricsConfig(kernel=KernelConfig(subsets=5, size=1000))
IMAGES = np.random.default_rng(0).integers(0, 256, (300, 8, 8, 3), dtype=np.uint8)


SLICED, NEIGHBORS = "sliced Wasserstein", "precision and recall"
CLASSES = "classes covered and their distance"


def said(
    count: int,
    width: int = 6,
    classes: int = 10,
    images: np.ndarray = IMAGES,
    own: bool = False,
    nearest: int = 1000,
    **changes: Any,
) -> list[str]:
    """What the caveats of a number of samples and real images begin with."""
    config = CONFIG.model_copy(update=changes)
    logits, distances = normal(1, count, classes), {"pixel": np.ones(nearest)}
    samples = Samples(
        FeatureSpace("x"), normal(2, count, width), logits, nearest=distances, images=images
    )
    real = reference.fit(normal(3, count, width), config)
    return [one.split(":")[0] for one in caveats(samples, real, config, IMAGES, own)]


def test_enough_images_have_no_caveat() -> None:
    assert said(1001) == []


def test_each_score_says_that_its_images_are_too_few() -> None:
    few = ["kd", SLICED, NEIGHBORS]
    assert said(100, width=100, classes=101) == ["fd", "kd", "score", SLICED, NEIGHBORS]
    assert said(101, width=100, classes=101) == ["fd of infinitely many", *few]
    assert said(101, width=49, classes=101) == few
    assert said(99) == ["kd", "score", SLICED, NEIGHBORS]  # of 10 splits
    assert said(1000) == ["kd"]
    assert said(1001, classes=101, own=True) == [CLASSES]
    assert said(1001, nearest=99) == ["memorized"]


def test_fewer_images_that_the_parameters_ask_for_are_counted() -> None:
    assert said(1001, counts=(6, 5000)) == ["fd", SLICED]
    assert said(1001, manifold=ManifoldConfig(count=999)) == [NEIGHBORS]


@pytest.mark.parametrize("noise", [0, 3])
def test_images_that_are_all_alike_are_marked(noise: int) -> None:
    alike = IMAGES[:1] // 2 + np.random.default_rng(1).integers(0, noise + 1, IMAGES.shape)
    assert said(1001, images=alike.astype(np.uint8)) == ["collapsed"]


def test_subset_of_the_kernel_distance_is_below_the_number_of_images() -> None:
    assert [subset_size(CONFIG, n, 5000) for n in (2, 100, 1000, 1001)] == [2, 50, 500, 1000]
