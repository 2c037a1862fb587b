"""What distances to the nearest training images say of copying."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, norm

from gfmn.common.errors import InputError
from gfmn.metrics.memorization import memorized
from gfmn.metrics.nearest import nearest


def test_memorized_tells_copies_from_new_images() -> None:
    rng = np.random.default_rng(0)
    train, held_out, alike = (rng.normal(size=(n, 4)) for n in (2000, 1000, 1000))
    unseen = nearest(held_out, train, 1)[0][:, 0]

    def report(generated: np.ndarray) -> dict[str, float]:
        return memorized(nearest(generated, train, 1)[0][:, 0], unseen)

    copies = report(train[:500] + 1e-6)
    assert copies["closer"] > 0.999 and copies["near_copies"] == 1 and copies["closer_z"] > 20
    assert copies["generated_median"] < 1e-5 < copies["held_out_median"]
    same = report(alike)
    assert abs(same["closer"] - 0.5) < 0.04 and abs(same["closer_z"]) < 3
    assert same["near_copies"] < 0.03
    half = report(np.concatenate([alike[:500], train[:500]]))
    assert half["closer"] == pytest.approx(0.75, abs=0.04) and half["near_copies"] > 0.5
    assert report(3 * alike)["closer"] < 0.25


def test_memorized_closer_counts_pairs_and_ties_half() -> None:
    found = memorized(np.array([1.0, 2, 5]), np.array([4.0, 2]))
    assert found["closer"] == pytest.approx((2 + 1.5 + 0) / 6)
    equal = memorized(np.zeros(9), np.zeros(9))
    assert equal["closer"] == 0.5 and equal["closer_z"] == 0 and equal["near_copies"] == 1


def test_memorized_closer_is_the_mann_whitney_statistic() -> None:
    rng = np.random.default_rng(1)
    g, h = rng.normal(size=80), rng.normal(0.2, size=120)
    found = memorized(g, h)
    test = mannwhitneyu(h, g, alternative="greater", use_continuity=False, method="asymptotic")
    assert found["closer"] == pytest.approx(test.statistic / (80 * 120))
    assert norm.sf(found["closer_z"]) == pytest.approx(test.pvalue)


def test_memorized_of_unfit_distances_is_a_one_line_error() -> None:
    with pytest.raises(InputError, match="two vectors of distances, found 3 x 1 and 3"):
        memorized(np.zeros((3, 1)), np.zeros(3))
    with pytest.raises(InputError, match="expected finite distances"):
        memorized(np.array([1, np.nan]), np.zeros(3))
