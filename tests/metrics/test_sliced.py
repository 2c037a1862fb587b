"""The sliced Wasserstein distance against SciPy along each direction, and closed forms."""

import numpy as np
import pytest
from builders.extractor_files import line
from builders.features import normal
from scipy.optimize import linear_sum_assignment

from gfmn.metrics.sliced import sliced_wasserstein


@pytest.mark.parametrize(("n", "m"), [(12, 12), (12, 36), (9, 6)])
def test_equals_the_best_assignment_along_every_direction(n: int, m: int) -> None:
    a, b = normal(0, n, 5), normal(1, m, 5) * 2 + 1
    directions = np.random.default_rng((7, 3)).normal(size=(5, 20))
    directions /= np.linalg.norm(directions, axis=0)
    # Rows repeated to one count are the same distributions, of which assignments are known.
    count = np.lcm(n, m)
    squares = []
    for u in directions.T:
        p, q = (np.repeat(x @ u, count // len(x)) for x in (a, b))
        costs = (p[:, None] - q) ** 2
        squares.append(costs[linear_sum_assignment(costs)].mean())
    assert sliced_wasserstein(a, b, 20, 7) == pytest.approx(np.sqrt(np.mean(squares)))


def test_of_a_shift_is_its_length_over_the_root_of_the_dimensions() -> None:
    a = normal(0, 200, 8).astype(np.float32)
    found = sliced_wasserstein(a, a + 3, 4000, 0)
    assert found == pytest.approx(3, rel=0.05)  # |(3, ..., 3)| / sqrt(8)
    assert sliced_wasserstein(a, a[::-1], 100, 0) == 0


def test_is_symmetric_and_grows_with_the_scale() -> None:
    a, b = normal(0, 150, 4), normal(1, 100, 4) + 1
    assert sliced_wasserstein(a, b, 50, 1) == pytest.approx(sliced_wasserstein(b, a, 50, 1))
    doubled = sliced_wasserstein(2 * a, 2 * b, 50, 1)
    assert doubled == pytest.approx(2 * sliced_wasserstein(a, b, 50, 1))


def test_rows_of_two_widths_are_a_one_line_error() -> None:
    message = line(sliced_wasserstein, normal(0, 4, 3), normal(0, 4, 2), 5, 0)
    assert message == "expected rows of one width, found 4 x 3 and 4 x 2"
