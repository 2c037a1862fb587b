"""What the scores say of sets whose quality is known."""

import numpy as np
import pytest
import skimage.data
import torch
from gfmn.metrics.manifold import precision_recall, radii
from skimage.filters import gaussian

from gfmn.metrics.frechet import Gaussian, frechet_to
from gfmn.metrics.infinity import frechet_infinity
from gfmn.metrics.kernel import kernel_distance


def normal(seed: int, n: int, d: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def crops(seed: int, n: int) -> np.ndarray:
    """N x 24 x 24 x 3 in [0, 1]: places in photographs."""
    rng = np.random.default_rng(seed)
    photographs = [skimage.data.astronaut(), skimage.data.coffee(), skimage.data.chelsea()]
    result = []
    for i in range(n):
        picture = photographs[i % 3]
        y, x = rng.integers(0, picture.shape[0] - 24), rng.integers(0, picture.shape[1] - 24)
        result.append(picture[y : y + 24, x : x + 24] / 255)
    return np.stack(result).astype(np.float32)


def responses(images: np.ndarray) -> np.ndarray:
    """N x 96: pooled responses of fixed random filters that sum to 0, as edges' detectors do."""
    filters = torch.randn(24, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    filters -= filters.mean((2, 3), keepdim=True)
    maps = torch.nn.functional.conv2d(torch.from_numpy(images).permute(0, 3, 1, 2), filters)
    return torch.nn.functional.adaptive_avg_pool2d(maps.relu(), 2).flatten(1).numpy()


def test_the_more_photographs_are_blurred_the_further_they_are() -> None:
    real = responses(crops(0, 600))
    fitted, images = Gaussian.fit(real), crops(1, 600)
    distances = []
    for sigma in (0, 1, 2, 4):
        found = responses(np.stack([gaussian(image, sigma, channel_axis=-1) for image in images]))
        plain, infinite = frechet_to(found, fitted), frechet_infinity(found, fitted, 5, 300, 0)
        assert infinite < plain
        distances.append((plain, infinite, kernel_distance(found, real, 10, 300, 0)[0]))
    for values in zip(*distances, strict=True):
        assert list(values) == sorted(values)


def test_a_set_is_at_no_distance_from_itself() -> None:
    x = normal(0, 500)
    assert abs(frechet_to(x, Gaussian.fit(x))) < 1e-10
    assert precision_recall(x, x, 3) == (1, 1)
    assert kernel_distance(x, x, 20, 500, 0)[0] < 0  # all rows: less than an unbiased 0


def test_a_collapsed_set_is_precise_and_recalls_little() -> None:
    real = normal(0, 500)
    collapsed = np.repeat(real[:5], 100, 0) + 1e-3 * normal(1, 500)
    precision, recall = precision_recall(real, collapsed, 3)
    assert precision == 1 and recall <= 0.02


def test_a_set_wider_than_the_data_recalls_much_and_is_imprecise() -> None:
    precision, recall = precision_recall(normal(0, 500), 4 * normal(1, 500), 3)
    assert precision < 0.1 and recall > 0.9


def test_sets_of_one_distribution_are_about_equally_precise_and_recalled() -> None:
    real, generated = normal(0, 500), normal(1, 500)
    precision, recall = precision_recall(real, generated, 3)
    assert precision > 0.7 and recall > 0.7 and abs(precision - recall) < 0.1
    assert precision_recall(real, generated, 3, radii(real, 3)) == (precision, recall)
    assert precision_recall(generated, real, 3) == (recall, precision)


def test_radii_are_the_distances_to_the_kth_other_row() -> None:
    line = np.array([[0.0], [1], [3], [7], [15]])
    assert radii(line, 1).tolist() == [1, 1, 2, 4, 8]
    assert radii(line, 3).tolist() == [7, 6, 4, 7, 14]


@pytest.mark.parametrize("d", [3, 2048])
def test_exact_duplicates_have_radius_0_and_lie_in_each_others_balls(d: int) -> None:
    rows = 100 + normal(0, 3, d)
    same, other = np.repeat(rows[:1], 10, 0), np.repeat(rows[1:2], 10, 0)
    assert (radii(same, 3) == 0).all()
    assert precision_recall(same, same[:6], 3) == (1, 1)
    assert precision_recall(same, other, 3) == (0, 0)
    close = same.copy()
    close[:, 0] *= 1 + 1e-4
    assert precision_recall(same, close, 3) == (0, 0)
