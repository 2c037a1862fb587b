"""The Inception-style score of known logits, and torch-fidelity's."""

import numpy as np
import pytest
import torch
from builders.features import normal, pooled
from torch_fidelity import metric_isc

from gfmn.common.errors import InputError
from gfmn.metrics.class_score import class_score


def test_class_score_is_the_number_of_classes_when_sure_and_1_when_unsure() -> None:
    sure = 100 * torch.eye(10).repeat(50, 1)
    assert class_score(sure, splits=5)[0] == pytest.approx(10, rel=1e-6)
    assert class_score(torch.zeros(100, 10))[0] == pytest.approx(1)
    assert class_score(sure[:1].repeat(100, 1))[0] == pytest.approx(1)  # one class only


def test_class_score_of_sorted_rows_needs_a_seed() -> None:
    logits = 100 * np.eye(10).repeat(50, 0)
    assert class_score(logits)[0] == pytest.approx(1)  # each part is one class
    assert class_score(logits, seed=2020)[0] == pytest.approx(10, rel=0.1)
    assert class_score(logits, splits=1)[0] == pytest.approx(10)


@pytest.mark.parametrize(("n", "splits"), [(1000, 10), (1003, 7)])
def test_class_score_agrees_with_torch_fidelity_to_12_digits(n: int, splits: int) -> None:
    logits = 4 * pooled(3, n, 30)
    for shuffle in (True, False):
        theirs = metric_isc.isc_features_to_metric(torch.from_numpy(logits), splits, shuffle, 2020)
        expected = (theirs[metric_isc.KEY_METRIC_ISC_MEAN], theirs[metric_isc.KEY_METRIC_ISC_STD])
        mean, deviation = class_score(logits, splits, 2020 if shuffle else None)
        assert mean == pytest.approx(expected[0], rel=1e-12)
        assert deviation == pytest.approx(expected[1], rel=1e-10)


def test_class_score_of_fewer_rows_than_parts_is_a_one_line_error() -> None:
    with pytest.raises(InputError, match=r"1 to N parts, found 10 parts of 9 x 3$"):
        class_score(normal(0, 9, 3))
