"""The nearest real images against a full sort."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gfmn.common.errors import InputError
from gfmn.metrics.nearest import nearest


def images(seed: int, n: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 6, 5, 3), dtype=np.uint8)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 20), st.integers(4, 40), st.integers(1, 3))
def test_nearest_equals_a_full_sort(seed: int, n: int, m: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    queries, real = (rng.integers(0, 4, (c, 3)).astype(np.float32) for c in (n, m))  # many ties
    distances, rows = nearest(queries, real, k)
    every = np.sqrt(np.square(queries[:, None] - real.astype(float)).mean(2))
    np.testing.assert_allclose(distances, np.sort(every, 1)[:, :k], rtol=1e-12)
    np.testing.assert_allclose(np.take_along_axis(every, rows, 1), distances, rtol=1e-12)
    assert (np.diff(np.sort(rows, 1)) > 0).all()
    assert distances.dtype == np.float64 and rows.dtype == np.int64


def test_nearest_identical_images_are_at_0_and_a_gray_level_is_the_unit() -> None:
    real = images(0, 300)
    distances, rows = nearest(real[7:9], real, 1)
    assert distances.tolist() == [[0], [0]] and rows.tolist() == [[7], [8]]
    dark = np.zeros((1, 6, 5, 3), np.uint8)
    assert nearest(dark + np.uint8(9), dark, 1)[0].item() == 9


@pytest.mark.parametrize("spread", [1e-3, 1])
def test_nearest_equals_a_full_sort_where_float32_cannot_tell_rows_apart(spread: float) -> None:
    """Two clusters, of which the center is near to none."""
    rng = np.random.default_rng(0)
    queries, real = (rng.normal(0, spread, (n, 400)) for n in (30, 90))
    real[::2] += 1e3
    queries[:7] += 1e3
    distances, rows = nearest(queries, real, 4)
    every = np.sqrt(np.square(queries[:, None] - real).mean(2))
    np.testing.assert_array_equal(rows, np.argsort(every, 1)[:, :4])
    np.testing.assert_allclose(distances, np.sort(every, 1)[:, :4], rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_nearest_identical_rows_are_at_0_in_any_precision(dtype: type) -> None:
    real = (1e3 + np.random.default_rng(0).normal(size=(50, 400))).astype(dtype)
    assert (nearest(real, real, 1)[0] == 0).all()


def test_nearest_equally_near_rows_come_in_the_order_of_their_numbers() -> None:
    real = images(0, 20)
    real[[17, 3, 9]] = real[5]
    assert nearest(real[5:6], real, 4)[1].tolist() == [[3, 5, 9, 17]]


def test_nearest_leave_out_is_not_among_the_rows() -> None:
    real = images(0, 30)
    distances, rows = nearest(real, real, 29, leave_out=np.arange(30))
    assert (distances > 0).all()
    assert [sorted(row) for row in rows] == [[i for i in range(30) if i != j] for j in range(30)]
    assert nearest(real[:2], real, 1, leave_out=np.array([-1, 1]))[1][0, 0] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 31}, "found 31 nearest of 30 for 5 queries"),
        ({"k": 30, "leave_out": np.arange(5)}, "found 30 nearest of 29 for 5 queries"),
        ({"k": 0}, "found 0 nearest"),
        ({"queries": images(1, 0)}, "for 0 queries"),
        ({"queries": np.zeros((5, 7))}, "equally many values, found 7 and 90"),
        ({"leave_out": np.arange(4)}, "5 integers to leave out, found 4 int64"),
        ({"leave_out": np.zeros(5)}, "5 integers to leave out, found 5 float64"),
        ({"leave_out": np.full(5, 30)}, "rows below 30 to leave out, found 30"),
    ],
)
def test_nearest_of_unfit_arguments_is_a_one_line_error(arguments: dict, message: str) -> None:
    call = {"queries": images(1, 5), "real": images(0, 30), "k": 1} | arguments
    with pytest.raises(InputError, match=message):
        nearest(**call)
