"""All metrics: what they are, and what they say of sets whose quality is known."""

import numpy as np
import pytest
import skimage.data
import torch
from builders.extractor_files import line
from builders.features import normal
from skimage.filters import gaussian as blur

from gfmn.metrics import reference
from gfmn.metrics.config import KernelConfig, MetricsConfig
from gfmn.metrics.frechet import frechet_to
from gfmn.metrics.gaussian import Gaussian
from gfmn.metrics.infinity import frechet_infinity
from gfmn.metrics.kernel import kernel_distance
from gfmn.metrics.metric import FeatureSpace, Measurements, Metric, Reference, Samples
from gfmn.metrics.precision_recall import precision_recall
from gfmn.metrics.registry import MODULES, NAMES, means, measure_all

COUNT = 400
CONFIG = MetricsConfig(counts=(200,), splits=2, kernel=KernelConfig(subsets=5, size=100))
SPACE = FeatureSpace("net")


def samples(features: np.ndarray, sure: float, near: float, space: FeatureSpace = SPACE) -> Samples:
    """Images of 4 classes, predicted as well as `sure` is large, `near` to their real ones."""
    labels = np.arange(len(features)) % 4
    logits = sure * np.eye(4)[labels] + np.eye(4)[0] * (1 - sure)
    distances = near * np.linspace(0.5, 1.5, 100)
    nearest = {"pixel": distances, "feature": distances}
    smooth = np.linspace(0, 255, 8)[:, None, None] + np.zeros((4, 8, 8, 3))
    board = 255.0 * (np.indices((8, 8)).sum(0) % 2)[..., None] + np.zeros((4, 8, 8, 3))
    images = (board + sure / 5 * (smooth - board)).astype(np.uint8)
    return Samples(space, features, logits, labels, nearest, images)


@pytest.fixture(scope="module")
def real() -> Reference:
    distances = np.linspace(0.5, 1.5, 100)
    held_out = {"pixel": distances, "feature": distances}
    return Reference(reference.fit(normal(0, COUNT, 6), CONFIG), np.full(4, 0.25), held_out, {})


def measured(real: Reference, shift: float, sure: float, near: float) -> Measurements:
    return measure_all(samples(normal(1, COUNT, 6) + shift, sure, near), real, CONFIG)


def test_names_are_distinct_within_a_module_list() -> None:
    every = [metric for module in MODULES for metric in module.METRICS]
    assert len({(metric.name, metric.title) for metric in every}) == len(every)
    assert all(metric.name in NAMES for metric in every)


def test_measure_all_has_every_metric_in_the_order_of_names(real: Reference) -> None:
    scores = measured(real, 0, 5, 1)
    assert {score.metric for score in scores.values()} == {
        metric for module in MODULES for metric in module.METRICS
    }
    order = [NAMES.index(score.metric.name) for score in scores.values()]
    assert order == sorted(order)
    fd = [name for name in scores if name.startswith("fd_")]
    assert fd == ["fd_net_200", "fd_net_400", "fd_net_inf"]
    assert scores["fd_net_inf"].over == "8 sizes from 200"
    assert scores["memorised_pixel_100"].over == "100 images and 100 held out"


def worth(metric: Metric, value: float) -> float:
    """A value in units of which more is better, by the metric's own direction."""
    return {"lower": -value, "higher": value, "half": -abs(value - 0.5)}[metric.direction]


def test_every_direction_prefers_samples_like_the_real_ones(real: Reference) -> None:
    good, bad = measured(real, 0, 5, 1), measured(real, 3, 0, 0.1)
    for name, score in good.items():
        assert worth(score.metric, score.value) > worth(score.metric, bad[name].value), name


def test_measure_all_leaves_out_what_the_images_lack(real: Reference) -> None:
    plain = measure_all(Samples(SPACE, normal(1, COUNT, 6)), real, CONFIG)
    names = {score.metric.name for score in plain.values()}
    assert names == {"fd", "kd", "sw", "precision", "recall"}


def test_measure_all_of_another_width_is_a_one_line_error(real: Reference) -> None:
    message = line(measure_all, Samples(SPACE, normal(1, COUNT, 5)), real, CONFIG)
    assert message == "net: expected features of one width, found 5, and 6 of the real images"


def test_means_are_over_the_seeds_that_have_the_score() -> None:
    metric = Metric("a", "A", "lower")
    one, two, five = (metric.measurement(SPACE, 5, value) for value in (1.0, 2.0, 5.0))
    assert means([{"a": one}, {"a": two, "b": five}]) == {"a": 1.5, "b": 5.0}


def crops(seed: int, n: int) -> np.ndarray:
    """N x 24 x 24 x 3 in [0, 1]: crops of photographs."""
    rng = np.random.default_rng(seed)
    photographs = [skimage.data.astronaut(), skimage.data.coffee(), skimage.data.chelsea()]
    result = []
    for i in range(n):
        photograph = photographs[i % 3]
        y, x = (rng.integers(0, size - 24) for size in photograph.shape[:2])
        result.append(photograph[y : y + 24, x : x + 24] / 255)
    return np.stack(result).astype(np.float32)


def responses(images: np.ndarray) -> np.ndarray:
    """N x 96: pooled responses of fixed random filters that sum to 0, as edge detectors do."""
    filters = torch.randn(24, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    filters -= filters.mean((2, 3), keepdim=True)
    maps = torch.nn.functional.conv2d(torch.from_numpy(images).permute(0, 3, 1, 2), filters)
    return torch.nn.functional.adaptive_avg_pool2d(maps.relu(), 2).flatten(1).numpy()


def test_distances_grow_with_the_blur_of_photographs() -> None:
    real = responses(crops(0, 600))
    fitted, images = Gaussian.fit(real), crops(1, 600)
    distances = []
    for sigma in (0, 1, 2, 4):
        blurred = np.stack([blur(image, sigma, channel_axis=-1) for image in images])
        features = responses(blurred)
        plain = frechet_to(features, fitted)
        infinite = frechet_infinity(features, fitted, 5, 300, 0)
        assert infinite < plain
        distances.append((plain, infinite, kernel_distance(features, real, 10, 300, 0)[0]))
    for values in zip(*distances, strict=True):
        assert list(values) == sorted(values)


def test_a_set_is_at_no_distance_from_itself() -> None:
    x = normal(0, 500, 6)
    assert abs(frechet_to(x, Gaussian.fit(x))) < 1e-10
    assert precision_recall(x, x, 3) == (1, 1)
    assert kernel_distance(x, x, 20, 500, 0)[0] < 0  # all rows: less than an unbiased 0
