"""The scores that torch-fidelity has too are the same on the same features, to stated digits."""

import numpy as np
import pytest
import torch
from gfmn.metrics.manifold import precision_recall
from torch_fidelity import metric_fid, metric_isc, metric_kid, metric_prc

from gfmn.metrics.class_score import class_score
from gfmn.metrics.frechet import Gaussian, frechet_distance, frechet_to
from gfmn.metrics.kernel import kernel_distance


def features(seed: int, n: int, d: int) -> np.ndarray:
    """Not negative, correlated and of a decaying spectrum, as pooled activations are."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(0).normal(size=(d, d)) * np.arange(1, d + 1)[:, None] ** -0.7
    values = rng.normal(size=(n, d)) @ mixing + 0.3 + 0.1 * seed
    return values.clip(0).astype(np.float32)


def pair(n: int, m: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    return features(1, n, d), features(2, m, d)


def fid(a: np.ndarray, b: np.ndarray) -> float:
    statistics = [metric_fid.fid_features_to_statistics(torch.from_numpy(s)) for s in (a, b)]
    result = metric_fid.fid_statistics_to_metric(*statistics, verbose=False)
    return float(result[metric_fid.KEY_METRIC_FID])


def test_frechet_distance_agrees_to_10_digits_in_float64() -> None:
    a, b = pair(2000, 1000, 192)
    expected = fid(a.astype(float), b.astype(float))
    assert frechet_distance(Gaussian.fit(a), Gaussian.fit(b)) == pytest.approx(expected, rel=1e-10)


def test_frechet_distance_agrees_to_6_digits_with_its_float32_means() -> None:
    a, b = pair(2000, 1000, 192)
    assert frechet_to(a, Gaussian.fit(b)) == pytest.approx(fid(a, b), rel=1e-6)


def test_frechet_distance_of_few_samples_agrees_to_5_digits() -> None:
    """Its eigenvalues that should be 0 are rounding, whose roots add up."""
    a, b = pair(150, 1000, 192)
    expected = fid(a.astype(float), b.astype(float))
    assert frechet_to(a, Gaussian.fit(b)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("seed", [0, 2020])
def test_kernel_distance_draws_the_same_subsets_and_agrees_to_12_digits(seed: int) -> None:
    a, b = pair(700, 600, 64)
    for dtype, digits in ((np.float64, 1e-12), (np.float32, 1e-5)):
        found = metric_kid.kid_features_to_metric(
            torch.from_numpy(a.astype(dtype)),
            torch.from_numpy(b.astype(dtype)),
            kid_subsets=20,
            kid_subset_size=200,
            rng_seed=seed,
            verbose=False,
        )
        expected = (found[metric_kid.KEY_METRIC_KID_MEAN], found[metric_kid.KEY_METRIC_KID_STD])
        assert kernel_distance(a, b, 20, 200, seed) == pytest.approx(expected, rel=digits)


@pytest.mark.parametrize(("n", "splits"), [(1000, 10), (1003, 7)])
def test_class_score_agrees_to_12_digits(n: int, splits: int) -> None:
    logits = 4 * features(3, n, 30)
    for shuffle in (True, False):
        found = metric_isc.isc_features_to_metric(torch.from_numpy(logits), splits, shuffle, 2020)
        expected = (found[metric_isc.KEY_METRIC_ISC_MEAN], found[metric_isc.KEY_METRIC_ISC_STD])
        seed = 2020 if shuffle else None
        mean, deviation = class_score(logits, splits, seed)
        assert mean == pytest.approx(expected[0], rel=1e-12)
        assert deviation == pytest.approx(expected[1], rel=1e-10)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_precision_and_recall_are_equal(k: int) -> None:
    generated, real = pair(900, 800, 24)
    real[:20] = real[20:40]  # exact duplicates
    found = metric_prc.prc_features_to_metric(
        torch.from_numpy(generated).double(),
        torch.from_numpy(real).double(),
        prc_neighborhood=k,
        prc_batch_size=300,
        save_cpu_ram=False,
        verbose=False,
    )
    expected = (found[metric_prc.KEY_METRIC_PRECISION], found[metric_prc.KEY_METRIC_RECALL])
    assert min(expected) > 0.1 and max(expected) < 0.99  # a case that can tell
    assert precision_recall(real, generated, k) == pytest.approx(expected, abs=1e-6)
