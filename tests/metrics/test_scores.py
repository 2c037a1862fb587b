"""Scores against closed forms and other implementations, however their input is cut."""

from collections.abc import Callable

import numpy as np
import pytest
import scipy.linalg
import torch
from gfmn.metrics.manifold import precision_recall, radii
from hypothesis import given, settings
from hypothesis import strategies as st

from gfmn.common.errors import InputError
from gfmn.metrics import arrays, infinity, manifold, nearest
from gfmn.metrics.class_score import class_score
from gfmn.metrics.classes import class_report
from gfmn.metrics.frechet import Gaussian, GaussianSum, frechet_distance, frechet_to
from gfmn.metrics.infinity import frechet_infinity
from gfmn.metrics.kernel import kernel_distance


def gaussian(mean: torch.Tensor, covariance: torch.Tensor) -> Gaussian:
    return Gaussian(100, mean.double(), covariance.double())


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


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
def test_frechet_distance_equals_the_form_by_singular_values_of_the_samples(n: int, m: int) -> None:
    x, y = normal(0, n, 30).astype(float) + 1, 2 * normal(1, m, 30).astype(float)
    centred = (x - x.mean(0)) @ (y - y.mean(0)).T / ((n - 1) * (m - 1)) ** 0.5
    traces = x.var(0, ddof=1).sum() + y.var(0, ddof=1).sum()
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + traces - 2 * np.linalg.norm(centred, "nuc")
    assert frechet_distance(Gaussian.fit(x), Gaussian.fit(y)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n", "d"), [(20, 64), (63, 64), (64, 64), (500, 64)])
def test_frechet_distance_of_a_set_to_itself_is_0_even_with_fewer_samples_than_dimensions(
    n: int, d: int
) -> None:
    features = normal(0, n, d)
    a = Gaussian.fit(features)
    assert abs(frechet_distance(a, a)) < 1e-9
    assert abs(frechet_to(features, a)) < 1e-9


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.integers(2, 60), st.integers(1, 60), st.integers(2, 90))
def test_the_form_for_few_samples_gives_the_same_frechet_distance(
    seed: int, n: int, d: int, m: int
) -> None:
    features, real = normal(seed, n, d) + 1, Gaussian.fit(2 * normal(seed + 1, m, d))
    expected = frechet_distance(real, Gaussian.fit(features))
    assert frechet_to(features, real) == pytest.approx(expected, rel=1e-8)


def test_frechet_distance_takes_the_root_that_is_known() -> None:
    a, b = (Gaussian.fit(normal(seed, 50, 8)) for seed in (0, 1))
    expected = frechet_distance(a, b)
    assert frechet_distance(b, a) == expected and "root" not in vars(b)


@settings(max_examples=50, deadline=None)
@given(
    st.integers(0, 2**31),
    st.integers(2, 80),
    st.integers(1, 9),
    st.lists(st.integers(0, 80), max_size=6),
    st.floats(-1e3, 1e3),
)
def test_a_gaussian_does_not_depend_on_how_the_rows_are_cut(
    seed: int, n: int, d: int, cuts: list[int], offset: float
) -> None:
    features = normal(seed, n, d) + np.float32(offset)
    total = GaussianSum()
    for part in np.split(features, sorted(min(cut, n) for cut in cuts)):
        total.add(part)
    found, wide = total.gaussian(), torch.from_numpy(features).double()
    scale = float(wide.square().mean())  # what rounding is relative to
    assert found.count == n
    torch.testing.assert_close(found.mean, wide.mean(0), rtol=1e-12, atol=1e-12)
    covariance = torch.cov(wide.T).reshape(d, d)
    torch.testing.assert_close(found.covariance, covariance, rtol=1e-12, atol=1e-14 * scale + 1e-14)


SCORES: dict[str, Callable[[np.ndarray, np.ndarray], object]] = {
    "fit": lambda x, y: Gaussian.fit(x).covariance.flatten().tolist(),
    "infinity": lambda x, y: frechet_infinity(x, Gaussian.fit(y), 4, 20, 0),
    "class_score": lambda x, y: class_score(x, 3, 0),
    "classes": lambda x, y: class_report(x)["confidence"],
    "radii": lambda x, y: radii(x, 3).tolist(),
    "precision": lambda x, y: precision_recall(x, y, 3),
    "nearest": lambda x, y: nearest.nearest(x, y, 3)[0].flatten().tolist(),
    "neighbours": lambda x, y: nearest.nearest(x, y, 3)[1].flatten().tolist(),
    "left out": lambda x, y: nearest.nearest(x, x, 3, leave_out=np.arange(60))[1].mean(),
}


@pytest.mark.parametrize("name", SCORES)
def test_no_score_depends_on_the_sizes_of_chunks(name: str, monkeypatch) -> None:
    x, y = normal(0, 60, 5), normal(1, 71, 5)
    whole = SCORES[name](x, y)
    monkeypatch.setattr(arrays, "CHUNK", 7 * 5)
    monkeypatch.setattr(infinity, "CHUNK", 7 * 5)
    monkeypatch.setattr(manifold, "BLOCK", 4)
    monkeypatch.setattr(nearest, "QUERIES", 11)
    monkeypatch.setattr(nearest, "VALUES", 9 * 5)
    monkeypatch.setattr(nearest, "BLOCK", 6)
    assert SCORES[name](x, y) == pytest.approx(whole, rel=1e-11)


def test_frechet_distance_at_infinity_is_much_closer_to_the_truth_and_equal_by_seed() -> None:
    spread = torch.arange(1, 33).double() ** -0.5
    real = Gaussian(10**9, torch.zeros(32).double(), spread.square().diag())
    truth = frechet_distance(real, Gaussian(10**9, 0.1 * spread, (1.2 * spread).square().diag()))
    plain, infinite = [], []
    for seed in range(10):
        features = (normal(seed, 500, 32) * 1.2 + 0.1) * spread.float().numpy()
        plain.append(frechet_to(features, real))
        infinite.append(frechet_infinity(features, real, 10, 250, seed))
        assert frechet_infinity(features, real, 10, 250, seed) == infinite[-1]
    assert np.mean(plain) - truth > 0.08 * truth
    assert abs(np.mean(infinite) - truth) < 0.25 * (np.mean(plain) - truth)


def test_frechet_distance_at_infinity_draws_its_subsets_from_all_rows() -> None:
    features, real = normal(0, 500, 4), Gaussian.fit(normal(1, 500, 4))
    plain = frechet_to(features, real)
    ordered = features[features[:, 0].argsort()]  # the first half is far from the whole
    found = {frechet_infinity(ordered, real, 5, 250, seed) for seed in range(4)}
    assert len(found) == 4 and max(abs(value - plain) for value in found) < 0.1


def test_frechet_distance_at_infinity_follows_a_line_over_1_over_n(monkeypatch) -> None:
    monkeypatch.setattr(infinity, "frechet_distance", lambda real, fake: 3 + 50 / fake.count)
    real = Gaussian.fit(normal(0, 10, 2))
    assert frechet_infinity(normal(1, 101, 2), real, 7, 13, 0) == pytest.approx(3, abs=1e-10)


def test_kernel_distance_is_unbiased_and_grows_with_the_shift_of_the_mean() -> None:
    x, y = normal(0, 4000, 16), normal(1, 4000, 16)
    mean, deviation = kernel_distance(x, y, 50, 200, 0)
    assert abs(mean) < 3 * deviation / 50**0.5  # below 0 about as often as above
    shifted = [kernel_distance(x, y + shift, 10, 200, 0)[0] for shift in (0.1, 0.2, 0.4)]
    assert mean < shifted[0] < shifted[1] < shifted[2]


def test_kernel_distance_is_the_double_sum_over_pairs() -> None:
    x, y = normal(0, 5, 3).astype(float), normal(1, 5, 3).astype(float)

    def kernel(a: np.ndarray, b: np.ndarray) -> float:
        return (a @ b / 3 + 1) ** 3

    pairs = [(i, j) for i in range(5) for j in range(5)]
    own = sum(kernel(s[i], s[j]) for s in (x, y) for i, j in pairs if i != j) / 20
    expected = own - 2 * sum(kernel(x[i], y[j]) for i, j in pairs) / 25
    assert kernel_distance(x, y, 2, 5, 0)[0] == pytest.approx(expected, rel=1e-12)


def test_class_score_is_the_number_of_classes_when_sure_and_balanced_and_1_when_unsure() -> None:
    sure = 100 * torch.eye(10).repeat(50, 1)
    assert class_score(sure, splits=5)[0] == pytest.approx(10, rel=1e-6)
    assert class_score(torch.zeros(100, 10))[0] == pytest.approx(1)
    assert class_score(sure[:1].repeat(100, 1))[0] == pytest.approx(1)  # one class only


def test_class_score_of_sorted_rows_needs_a_seed() -> None:
    logits = 100 * np.eye(10).repeat(50, 0)
    assert class_score(logits)[0] == pytest.approx(1)  # each part is one class
    assert class_score(logits, seed=2020)[0] == pytest.approx(10, rel=0.1)
    assert class_score(logits, splits=1)[0] == pytest.approx(10)


def test_class_report_of_known_logits() -> None:
    logits = np.log([[0.95, 0.03, 0.02], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.92, 0.05, 0.03]])
    report = class_report(logits, np.array([0.5, 0.25, 0.25]), np.array([0, 1, 1, 2]))
    assert report.pop("shares") == [0.75, 0.25, 0]
    assert report == pytest.approx(
        {
            "confidence": (0.95 + 0.6 + 0.7 + 0.92) / 4,
            "confident": 0.5,
            "covered": 2 / 3,
            "class_distance": 0.25,
            "accuracy": 0.5,
        }
    )
    assert class_report(logits).keys() == {"confidence", "confident", "shares"}


def test_a_class_without_real_images_need_not_be_covered() -> None:
    report = class_report(np.eye(3)[[0, 0, 0]], np.array([0.5, 0.5, 0.0]))
    assert report["covered"] == 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Gaussian.fit(normal(0, 1, 4)), "at least 2 rows of features, found 1"),
        (lambda: Gaussian.fit(np.full((4, 2), np.nan)), "expected finite values, found"),
        (lambda: Gaussian.fit(normal(0, 4)), "expected an N x D matrix, found 4"),
        (lambda: frechet_to(normal(0, 1, 4), Gaussian.fit(normal(0, 9, 4))), "found 1"),
        (lambda: frechet_to(normal(0, 9, 5), Gaussian.fit(normal(0, 9, 4))), "4 values, found 5"),
        (lambda: frechet_to(normal(0, 2, 5), Gaussian.fit(normal(0, 9, 4))), "4 values, found 5"),
        (
            lambda: frechet_distance(*(Gaussian.fit(normal(0, 9, d)) for d in (4, 5))),
            "4 values, found 5",
        ),
        (
            lambda: frechet_infinity(normal(0, 9, 2), Gaussian.fit(normal(0, 9, 2)), 3, 9, 0),
            "sizes from 2 up to N of N x D, found 3 from 9 of 9 x 2",
        ),
        (
            lambda: kernel_distance(normal(0, 9, 2), normal(0, 8, 2), 3, 9, 0),
            "found 3 of 9 rows out of 9 and 8",
        ),
        (
            lambda: kernel_distance(normal(0, 9, 2), normal(0, 9, 3), 3, 9, 0),
            "N x D and M x D, found 9 x 2 and 9 x 3",
        ),
        (lambda: radii(normal(0, 3, 2), 3), "k from 1 up .*, found 3 in 3 x 2"),
        (
            lambda: precision_recall(normal(0, 9, 2), normal(0, 9, 3), 3),
            "N x D and M x D, found 9 x 2 and 9 x 3",
        ),
        (
            lambda: precision_recall(normal(0, 9, 2), normal(0, 9, 2), 3, np.ones(8)),
            "expected 9 radii, found 8",
        ),
        (lambda: class_score(normal(0, 9, 3)), "1 to N parts, found 10 parts of 9 x 3"),
        (lambda: class_report(normal(0, 9)), "N x K logits, found 9"),
        (lambda: class_report(normal(0, 9, 2), np.ones(2)), "sum 1, found 2 of sum 2"),
        (
            lambda: class_report(normal(0, 9, 2), labels=np.ones(8, int)),
            "expected 9 integer labels",
        ),
        (
            lambda: class_report(normal(0, 9, 2), labels=np.full(9, 2)),
            "labels from 0 to 1, found 2",
        ),
    ],
)
def test_bad_input_is_refused_in_one_line(call: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
