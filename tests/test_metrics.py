"""Scores against closed forms, another implementation and their meaning."""

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gfmn.errors import InputError
from gfmn.metrics import reference
from gfmn.metrics.class_score import class_score
from gfmn.metrics.frechet import Gaussian, frechet_distance


def gaussian(mean: torch.Tensor, covariance: torch.Tensor) -> Gaussian:
    return Gaussian(100, mean.double(), covariance.double())


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


def test_frechet_distance_of_a_set_to_itself_is_0_even_with_fewer_samples_than_dimensions() -> None:
    a = Gaussian.fit(torch.randn(20, 64))
    assert abs(frechet_distance(a, a)) < 1e-5


def test_class_score_is_the_number_of_classes_when_sure_and_balanced_and_1_when_unsure() -> None:
    sure = 100 * torch.eye(10).repeat(50, 1)
    assert class_score(sure, splits=5)[0] == pytest.approx(10, rel=1e-6)
    assert class_score(torch.zeros(100, 10))[0] == pytest.approx(1)
    assert class_score(sure[:1].repeat(100, 1))[0] == pytest.approx(1)  # one class only


def test_score_names_say_space_and_sample_count_and_never_fid() -> None:
    features = np.random.default_rng(0).normal(size=(5000, 4)).astype(np.float32)
    real = Gaussian.fit(torch.randn(100, 4))
    names = list(reference.scores(features, features, real, "lite2"))
    assert names == ["fd_lite2_5k", "score_lite2_5k"]
    assert "fd_x_1797" in reference.scores(features[:1797], features[:1797], real, "x")


def test_a_reference_of_another_evaluator_is_refused_in_one_line(tmp_path) -> None:
    path = tmp_path / "r.safetensors"
    real = Gaussian.fit(torch.randn(50, 4))
    reference.save(real, {"evaluator_digest": "a"}, path)
    again = reference.load(path, {"evaluator_digest": "a"})
    assert again.count == 50 and torch.equal(again.covariance, real.covariance)
    with pytest.raises(InputError, match=r"r\.safetensors: expected evaluator_digest 'b', found"):
        reference.load(path, {"evaluator_digest": "b"})
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="expected a whole safetensors file"):
        reference.load(path, {})
