"""The extrapolated Fréchet distance: how much of the bias goes, and what it draws."""

import numpy as np
import pytest
import torch
from builders.features import normal

from gfmn.common.errors import InputError
from gfmn.metrics.frechet import DistanceSum, frechet_distance, frechet_to
from gfmn.metrics.gaussian import Gaussian
from gfmn.metrics.infinity import distances_by_size, frechet_infinity


def test_frechet_infinity_is_closer_to_the_truth_and_equal_by_seed() -> None:
    scales = torch.arange(1, 33).double() ** -0.5
    real = Gaussian(10**9, torch.zeros(32).double(), scales.square().diag())
    truth = frechet_distance(real, Gaussian(10**9, 0.1 * scales, (1.2 * scales).square().diag()))
    plain, infinite = [], []
    for seed in range(10):
        features = (normal(seed, 500, 32) * 1.2 + 0.1) * scales.float().numpy()
        plain.append(frechet_to(features, real))
        infinite.append(frechet_infinity(features, real, 10, 250, seed))
        assert frechet_infinity(features, real, 10, 250, seed) == infinite[-1]
    assert np.mean(plain) - truth > 0.08 * truth
    assert abs(np.mean(infinite) - truth) < 0.25 * (np.mean(plain) - truth)


def test_frechet_infinity_draws_its_subsets_from_all_rows() -> None:
    features, real = normal(0, 500, 4), Gaussian.fit(normal(1, 500, 4))
    plain = frechet_to(features, real)
    ordered = features[features[:, 0].argsort()]  # the first half is far from the whole
    values = {frechet_infinity(ordered, real, 5, 250, seed) for seed in range(4)}
    assert len(values) == 4 and max(abs(value - plain) for value in values) < 0.1


def test_frechet_infinity_follows_a_line_over_1_over_n(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DistanceSum, "distance", lambda total: 3 + 50 / total.products.count)
    real = Gaussian.fit(normal(0, 10, 2))
    assert frechet_infinity(normal(1, 101, 2), real, 7, 13, 0) == pytest.approx(3, abs=1e-10)


@pytest.mark.parametrize("d", [4, 80])
def test_distances_by_size_end_with_that_of_all_rows(d: int) -> None:
    features, real = normal(0, 60, d) + 1, Gaussian.fit(normal(1, 100, d))
    sizes, distances = distances_by_size(features, real, 3, 30, 0)
    assert sizes.tolist() == [30, 45, 60]
    assert distances[-1] == pytest.approx(frechet_to(features, real), rel=1e-8)


def test_frechet_infinity_of_too_few_rows_is_a_one_line_error() -> None:
    message = r"sizes from 2 up to N of N x D, found 3 from 9 of 9 x 2$"
    with pytest.raises(InputError, match=message):
        frechet_infinity(normal(0, 9, 2), Gaussian.fit(normal(0, 9, 2)), 3, 9, 0)
