"""The Gaussian of features against its definition, however the rows come."""

import numpy as np
import pytest
import torch
from builders.features import normal
from hypothesis import given, settings
from hypothesis import strategies as st

from gfmn.common.errors import InputError
from gfmn.metrics.gaussian import Gaussian, GaussianSum, square_root


@settings(max_examples=50, deadline=None)
@given(
    st.integers(0, 2**31),
    st.integers(2, 80),
    st.integers(1, 9),
    st.lists(st.integers(0, 80), max_size=6),
    st.floats(-1e3, 1e3),
)
def test_gaussian_sum_does_not_depend_on_the_batches(
    seed: int, n: int, d: int, cuts: list[int], offset: float
) -> None:
    features = normal(seed, n, d) + np.float32(offset)
    total = GaussianSum()
    for part in np.split(features, sorted(min(cut, n) for cut in cuts)):
        total.add(part)
    result, wide = total.gaussian(), torch.from_numpy(features).double()
    scale = float(wide.square().mean())  # what rounding is relative to
    assert result.count == n
    torch.testing.assert_close(result.mean, wide.mean(0), rtol=1e-12, atol=1e-12)
    covariance = torch.cov(wide.T).reshape(d, d)
    tolerance = 1e-14 * scale + 1e-14
    torch.testing.assert_close(result.covariance, covariance, rtol=1e-12, atol=tolerance)


@pytest.mark.parametrize("n", [5, 50])
def test_square_root_squared_is_the_covariance(n: int) -> None:
    gaussian = Gaussian.fit(normal(0, n, 8))
    root = square_root(gaussian)
    torch.testing.assert_close(root @ root, gaussian.covariance, rtol=0, atol=1e-12)
    assert torch.equal(root, gaussian.with_root().root) and gaussian.root is None


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (normal(0, 1, 4), "at least 2 rows of features, found 1"),
        (np.full((4, 2), np.nan), "expected finite values, found"),
        (normal(0, 4), "expected an N x D matrix, found 4"),
    ],
)
def test_fit_of_unfit_features_is_a_one_line_error(features: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Gaussian.fit(features)
    assert "\n" not in str(caught.value)
