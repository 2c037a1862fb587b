"""Rank correlation of loss and distance: by hand, against scipy, and where there is none."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from gfmn.metrics.snapshots import Snapshot, correlations, rank_correlation, summary


def test_rank_correlation_by_hand() -> None:
    # Without ties: 1 - 6 (sum of squared differences of ranks) / (n (n^2 - 1)).
    found = rank_correlation([0.1, 5.0, 0.7, 90.0], [2.0, 3.0, 1.0, 4.0])
    assert found == pytest.approx(1 - 6 * (1 + 0 + 1 + 0) / (4 * 15))
    falling = [2.0**-k for k in range(6)]
    assert rank_correlation(falling, [x**3 for x in falling]) == pytest.approx(1)
    assert rank_correlation(falling, [-x for x in falling]) == pytest.approx(-1)


def test_rank_correlation_equals_scipys_with_ties() -> None:
    draw = np.random.default_rng(0)
    for n in (3, 8, 40):
        a, b = [0.0, *draw.integers(0, 5, n)], [1.0, *draw.integers(2, 9, n)]
        assert rank_correlation(a, b) == pytest.approx(spearmanr(a, b).statistic)


def test_constant_loss_has_no_rank_correlation() -> None:
    assert rank_correlation([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]) is None
    rising = [Snapshot(3, step, 10.0 - step, 5.0 - step, 100) for step in (1, 2, 3)]
    constant = [Snapshot(0, step, 2.0, 5.0 - step, 100) for step in (1, 2, 3)]
    assert correlations([*rising, *constant]) == {3: pytest.approx(1), 0: None}
    assert summary([*rising, *constant]) == {
        "rank_correlation": 1.0,
        "rank_correlation_by_seed": {"3": 1.0, "0": None},
        "snapshots": 3,
    }
    assert summary(constant)["rank_correlation"] is None
