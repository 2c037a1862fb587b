"""The Fréchet distance against closed forms, scipy and torch-fidelity."""

from collections.abc import Callable

import numpy as np
import pytest
import scipy.linalg
import torch
from builders.features import normal, pooled
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_fidelity import metric_fid

from gfmn.common.errors import InputError
from gfmn.metrics.frechet import DistanceSum, frechet_distance, frechet_to
from gfmn.metrics.gaussian import Gaussian


def gaussian(mean: torch.Tensor, covariance: torch.Tensor) -> Gaussian:
    return Gaussian(100, mean.double(), covariance.double())


def fidelity(a: np.ndarray, b: np.ndarray) -> float:
    """torch-fidelity's distance."""
    statistics = [metric_fid.fid_features_to_statistics(torch.from_numpy(s)) for s in (a, b)]
    result = metric_fid.fid_statistics_to_metric(*statistics, verbose=False)
    return float(result[metric_fid.KEY_METRIC_FID])


def test_frechet_distance_of_commuting_gaussians_is_the_closed_form() -> None:
    a, b = torch.tensor([4.0, 9.0, 0.25]), torch.tensor([1.0, 16.0, 0.0])
    mean = torch.tensor([1.0, -2.0, 0.5])
    expected = mean.square().sum() + (a.sqrt() - b.sqrt()).square().sum()
    distance = frechet_distance(
        gaussian(mean, torch.diag(a)), gaussian(torch.zeros(3), torch.diag(b))
    )
    assert distance == pytest.approx(float(expected), abs=1e-10)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.integers(3, 12), st.integers(20, 60))
def test_frechet_distance_equals_scipys_matrix_root(seed: int, d: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, d)), rng.normal(1, 2, size=(n, d)) @ rng.normal(size=(d, d))
    a, b = (Gaussian.fit(torch.from_numpy(v)) for v in (x, y))
    root = scipy.linalg.sqrtm(np.cov(x.T) @ np.cov(y.T)).real
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(np.cov(x.T) + np.cov(y.T) - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(b, a) == pytest.approx(frechet_distance(a, b), rel=1e-8)


@pytest.mark.parametrize(("n", "m"), [(9, 50), (50, 9), (30, 31), (200, 300), (200, 9)])
def test_frechet_distance_equals_the_form_by_singular_values(n: int, m: int) -> None:
    x, y = normal(0, n, 30).astype(float) + 1, 2 * normal(1, m, 30).astype(float)
    centered = (x - x.mean(0)) @ (y - y.mean(0)).T / ((n - 1) * (m - 1)) ** 0.5
    traces = x.var(0, ddof=1).sum() + y.var(0, ddof=1).sum()
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + traces - 2 * np.linalg.norm(centered, "nuc")
    assert frechet_distance(Gaussian.fit(x), Gaussian.fit(y)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n", "d"), [(20, 64), (63, 64), (64, 64), (500, 64)])
def test_frechet_distance_of_a_set_to_itself_is_0_at_any_rank(n: int, d: int) -> None:
    features = normal(0, n, d)
    a = Gaussian.fit(features)
    assert abs(frechet_distance(a, a)) < 1e-9
    assert abs(frechet_to(features, a)) < 1e-9


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 60), st.integers(1, 60), st.integers(2, 90))
def test_frechet_to_few_samples_equals_the_distance(seed: int, n: int, d: int, m: int) -> None:
    features, real = normal(seed, n, d) + 1, Gaussian.fit(2 * normal(seed + 1, m, d))
    expected = frechet_distance(real, Gaussian.fit(features))
    assert frechet_to(features, real) == pytest.approx(expected, rel=1e-8)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 40), st.integers(2, 90))
def test_distance_sum_equals_the_distance_of_all_rows_so_far(seed: int, d: int, m: int) -> None:
    real, features = Gaussian.fit(2 * normal(seed, m, d)), normal(seed + 1, 70, d) + 1
    total = DistanceSum(real)
    for start, end in ((0, 2), (2, 20), (20, 70)):
        total.add(features[start:end])
        expected = frechet_distance(real, Gaussian.fit(features[:end]))
        assert total.distance() == pytest.approx(expected, rel=1e-8)


def test_frechet_distance_takes_the_known_root(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = (Gaussian.fit(normal(seed, 50, 8)) for seed in (0, 1))
    known = a.with_root()
    expected = frechet_distance(a, b)

    def refuse(gaussian: Gaussian) -> torch.Tensor:
        raise AssertionError("a root was computed")

    monkeypatch.setattr("gfmn.metrics.gaussian.square_root", refuse)
    assert frechet_distance(known, b) == frechet_distance(b, known) == expected


def test_frechet_distance_agrees_with_torch_fidelity_to_10_digits() -> None:
    a, b = pooled(1, 2000, 192), pooled(2, 1000, 192)
    expected = fidelity(a.astype(float), b.astype(float))
    assert frechet_distance(Gaussian.fit(a), Gaussian.fit(b)) == pytest.approx(expected, rel=1e-10)


def test_frechet_to_agrees_with_torch_fidelitys_float32_to_6_digits() -> None:
    a, b = pooled(1, 2000, 192), pooled(2, 1000, 192)
    assert frechet_to(a, Gaussian.fit(b)) == pytest.approx(fidelity(a, b), rel=1e-6)


def test_frechet_to_few_samples_agrees_with_torch_fidelity_to_5_digits() -> None:
    """Its eigenvalues that should be 0 are rounding, whose roots add up."""
    a, b = pooled(1, 150, 192), pooled(2, 1000, 192)
    expected = fidelity(a.astype(float), b.astype(float))
    assert frechet_to(a, Gaussian.fit(b)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: frechet_to(normal(0, 1, 4), Gaussian.fit(normal(0, 9, 4))), "found 1"),
        (lambda: frechet_to(normal(0, 9, 5), Gaussian.fit(normal(0, 9, 4))), "4 values, found 5"),
        (lambda: frechet_to(normal(0, 2, 5), Gaussian.fit(normal(0, 9, 4))), "4 values, found 5"),
        (lambda: DistanceSum(Gaussian.fit(normal(0, 9, 4))).add(normal(0, 9, 5)), "found 5"),
        (
            lambda: frechet_distance(*(Gaussian.fit(normal(0, 9, d)) for d in (4, 5))),
            "4 values, found 5",
        ),
    ],
)
def test_frechet_of_unfit_features_is_a_one_line_error(
    call: Callable[[], float], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
