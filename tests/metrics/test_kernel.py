"""The kernel distance against its definition and torch-fidelity."""

import numpy as np
import pytest
import torch
from builders.features import normal, pooled
from torch_fidelity import metric_kid

from gfmn.common.errors import InputError
from gfmn.metrics import kernel
from gfmn.metrics.kernel import kernel_distance


def test_kernel_distance_is_unbiased_and_grows_with_the_shift_of_the_mean() -> None:
    x, y = normal(0, 4000, 16), normal(1, 4000, 16)
    mean, deviation = kernel_distance(x, y, 50, 200, 0)
    assert abs(mean) < 3 * deviation / 50**0.5  # below 0 about as often as above
    shifted = [kernel_distance(x, y + shift, 10, 200, 0)[0] for shift in (0.1, 0.2, 0.4)]
    assert mean < shifted[0] < shifted[1] < shifted[2]


def test_kernel_distance_is_the_double_sum_over_pairs() -> None:
    x, y = normal(0, 5, 3).astype(float), normal(1, 5, 3).astype(float)

    def value(a: np.ndarray, b: np.ndarray) -> float:
        return (a @ b / 3 + 1) ** 3

    pairs = [(i, j) for i in range(5) for j in range(5)]
    own = sum(value(s[i], s[j]) for s in (x, y) for i, j in pairs if i != j) / 20
    expected = own - 2 * sum(value(x[i], y[j]) for i, j in pairs) / 25
    assert kernel_distance(x, y, 2, 5, 0)[0] == pytest.approx(expected, rel=1e-6)


def in_float64(a: np.ndarray, b: np.ndarray, subsets: int, size: int) -> tuple[float, float]:
    """By its definition, with the subsets of seed 0."""
    random, estimates = np.random.RandomState(0), []
    for _ in range(subsets):
        x, y = (s[random.choice(len(s), size, False)].astype(float) for s in (a, b))
        xx, yy, xy = ((u @ v.T / a.shape[1] + 1) ** 3 for u, v in ((x, x), (y, y), (x, y)))
        own = xx.sum() - xx.trace() + yy.sum() - yy.trace()
        estimates.append(own / (size * (size - 1)) - 2 * xy.mean())
    return float(np.mean(estimates)), float(np.std(estimates))


@pytest.mark.parametrize("subsets", [3, 40])  # which have fewer, or more pairs than there are
@pytest.mark.parametrize("seed", [1, 2])  # of b: as a, or another distribution
@pytest.mark.parametrize("offset", [0, 10])
def test_kernel_distance_is_float64s_to_a_billionth_of_its_deviation(
    subsets: int, seed: int, offset: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel, "BLOCK", 150)  # rows of each side at a time
    a, b = pooled(1, 700, 200), pooled(seed, 1300, 200)[600:]
    a, b = a + np.float32(offset), b + np.float32(offset)
    found, expected = kernel_distance(a, b, subsets, 200, 0), in_float64(a, b, subsets, 200)
    assert found == pytest.approx(expected, rel=0, abs=1e-9 * expected[1])


def test_kernel_distance_of_known_sums_is_the_same() -> None:
    b, known = pooled(2, 600, 20), {}
    for subsets in (3, 40):
        for seed in (1, 3):
            a = pooled(seed, 500, 20)
            expected = kernel_distance(a, b, subsets, 100, 0)
            assert kernel_distance(a, b, subsets, 100, 0, known) == expected
    assert len(known) == 2


@pytest.mark.parametrize("seed", [0, 2020])
def test_kernel_distance_draws_torch_fidelitys_subsets_and_agrees(seed: int) -> None:
    a, b = pooled(1, 700, 64), pooled(2, 600, 64)
    for dtype, tolerance in ((np.float64, 1e-6), (np.float32, 1e-5)):
        theirs = metric_kid.kid_features_to_metric(
            torch.from_numpy(a.astype(dtype)),
            torch.from_numpy(b.astype(dtype)),
            kid_subsets=20,
            kid_subset_size=200,
            rng_seed=seed,
            verbose=False,
        )
        expected = (theirs[metric_kid.KEY_METRIC_KID_MEAN], theirs[metric_kid.KEY_METRIC_KID_STD])
        assert kernel_distance(a, b, 20, 200, seed) == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        (((9, 2), (8, 2)), "found 3 of 9 rows out of 9 and 8"),
        (((9, 2), (9, 3)), "N x D and M x D, found 9 x 2 and 9 x 3"),
    ],
)
def test_kernel_distance_of_unfit_sets_is_a_one_line_error(
    sizes: tuple[tuple[int, int], tuple[int, int]], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        kernel_distance(*(normal(0, *size) for size in sizes), 3, 9, 0)
    assert "\n" not in str(caught.value)
