"""Products of float32 rows are off by no more than is said."""

import numpy as np
import pytest
from builders.features import normal, pooled

from gfmn.common.errors import InputError
from gfmn.metrics.products import blocks, center_of, error_bound, rows_less

FAR = 1e3 + 1e-2 * normal(2, 300, 700).astype(np.float64)


@pytest.mark.parametrize("shape", [(200, 3), (200, 2048)])
@pytest.mark.parametrize("offset", [0, 5, 1e4])
def test_squared_distances_are_within_the_bound(shape: tuple[int, int], offset: float) -> None:
    a, b = normal(0, *shape) + np.float32(offset), pooled(1, *shape)
    center = center_of(b, 50)
    x, y = rows_less(a, center), rows_less(b, center)
    found = (x.squares[:, None] + y.squares - 2 * (x.values @ y.values.T)).numpy()
    expected = np.square(a[:, None].astype(float) - b).sum(2)
    bound = error_bound(shape[1]) * (x.squares[:, None] + y.squares).numpy()
    assert (abs(found - expected) <= bound).all()
    assert error_bound(shape[1]) < 1e-3


@pytest.mark.parametrize("rows", [normal(0, 90, 4), FAR, np.arange(160, dtype=np.uint8)[:, None]])
def test_blocks_are_all_rows_in_order_less_the_center(rows: np.ndarray) -> None:
    center = center_of(rows, 20)
    np.testing.assert_allclose(center, rows[:20].mean(0), rtol=1e-6, atol=1e-6)
    parts = list(blocks(rows, center, 40))
    assert [part.first for part in parts] == list(range(0, len(rows), 40))
    values = np.concatenate([part.values for part in parts])
    np.testing.assert_allclose(values, rows - center.double().numpy(), rtol=1e-6)
    assert all(len(part.values) == len(rows[part.slice]) for part in parts)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e19])
def test_rows_that_float32_cannot_square_are_a_one_line_error(value: float) -> None:
    rows = normal(0, 5, 3).astype(np.float64)
    rows[2, 1] = value
    with pytest.raises(InputError, match=r"^expected finite values and rows of a length below 1e"):
        rows_less(rows, center_of(normal(0, 5, 3), 5))
