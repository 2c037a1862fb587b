"""Precision and recall of sets whose quality is known, and torch-fidelity's."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from builders.features import normal, pooled
from torch_fidelity import metric_prc

from gfmn.common.errors import InputError
from gfmn.metrics.precision_recall import precision_recall, radii


def test_a_collapsed_set_is_precise_and_recalls_little() -> None:
    real = normal(0, 500, 6)
    collapsed = np.repeat(real[:5], 100, 0) + 1e-3 * normal(1, 500, 6)
    precision, recall = precision_recall(real, collapsed, 3)
    assert precision == 1 and recall <= 0.02


def test_a_set_wider_than_the_data_recalls_much_and_is_imprecise() -> None:
    precision, recall = precision_recall(normal(0, 500, 6), 4 * normal(1, 500, 6), 3)
    assert precision < 0.1 and recall > 0.9


def test_sets_of_one_distribution_are_about_equally_precise_and_recalled() -> None:
    real, generated = normal(0, 500, 6), normal(1, 500, 6)
    precision, recall = precision_recall(real, generated, 3)
    assert precision > 0.7 and recall > 0.7 and abs(precision - recall) < 0.1
    assert precision_recall(real, generated, 3, radii(real, 3)) == (precision, recall)
    assert precision_recall(generated, real, 3) == (recall, precision)


def test_radii_are_the_distances_to_the_kth_other_row() -> None:
    line = np.array([[0.0], [1], [3], [7], [15]])
    assert radii(line, 1).tolist() == [1, 1, 2, 4, 8]
    assert radii(line, 3).tolist() == [7, 6, 4, 7, 14]


@pytest.mark.parametrize("d", [3, 2048])
def test_exact_duplicates_have_radius_0_and_lie_in_each_others_balls(d: int) -> None:
    rows = 100 + normal(0, 3, d)
    same, other = np.repeat(rows[:1], 10, 0), np.repeat(rows[1:2], 10, 0)
    assert (radii(same, 3) == 0).all()
    assert precision_recall(same, same[:6], 3) == (1, 1)
    assert precision_recall(same, other, 3) == (0, 0)
    close = same.copy()
    close[:, 0] *= 1 + 1e-4
    assert precision_recall(same, close, 3) == (0, 0)


def in_float64(real: np.ndarray, generated: np.ndarray, k: int) -> tuple[float, float]:
    """By its definition, from differences."""

    def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.sqrt(np.square(a[:, None].astype(float) - b).sum(2))

    between = distances(generated, real)
    reaches = [np.sort(distances(s, s), 1)[:, k] for s in (real, generated)]
    inside = (between <= reaches[0]).any(1), (between <= reaches[1][:, None]).any(0)
    return float(inside[0].mean()), float(inside[1].mean())


@pytest.mark.parametrize("spread", [1e-3, 1e-2, 1, 30])
def test_precision_recall_equals_the_definition_however_near_the_rows(spread: float) -> None:
    """Two clusters, of which the center is near to none, and an outlier."""
    real, generated = pooled(1, 250, 24).astype(float), pooled(2, 200, 24).astype(float)
    real, generated = spread * real, spread * generated + spread * 0.2
    real[100:] += 300
    generated[50:] += 300
    real[7] = 2000
    found = precision_recall(real, generated, 3)
    assert found == in_float64(real, generated, 3)
    assert 0.05 < found[1] < found[0] <= 1


@pytest.mark.parametrize("k", [1, 3, 5])
def test_precision_recall_equals_torch_fidelitys(k: int) -> None:
    generated, real = pooled(1, 900, 24), pooled(2, 800, 24)
    real[:20] = real[20:40]  # exact duplicates
    theirs = metric_prc.prc_features_to_metric(
        torch.from_numpy(generated).double(),
        torch.from_numpy(real).double(),
        prc_neighborhood=k,
        prc_batch_size=300,
        save_cpu_ram=False,
        verbose=False,
    )
    expected = (theirs[metric_prc.KEY_METRIC_PRECISION], theirs[metric_prc.KEY_METRIC_RECALL])
    assert min(expected) > 0.1 and max(expected) < 0.99  # a case that can tell
    assert precision_recall(real, generated, k) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: radii(normal(0, 3, 2), 3), "k from 1 up .*, found 3 in 3 x 2"),
        (
            lambda: precision_recall(normal(0, 9, 2), normal(0, 9, 3), 3),
            "N x D and M x D, found 9 x 2 and 9 x 3",
        ),
        (
            lambda: precision_recall(normal(0, 9, 2), normal(0, 9, 2), 3, np.ones(8)),
            "expected 9 radii, found 8",
        ),
    ],
)
def test_precision_recall_of_unfit_sets_is_a_one_line_error(
    call: Callable[[], object], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
