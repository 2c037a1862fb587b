"""What is said of the predictions of known logits."""

from typing import Any

import numpy as np
import pytest
from builders.features import normal

from gfmn.common.errors import InputError
from gfmn.metrics.classes import class_frequencies, class_report


def test_class_report_of_known_logits() -> None:
    logits = np.log([[0.95, 0.03, 0.02], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.92, 0.05, 0.03]])
    report = class_report(logits, np.array([0.5, 0.25, 0.25]), np.array([0, 1, 1, 2]))
    assert class_frequencies(logits).tolist() == [0.75, 0.25, 0]
    assert report == pytest.approx(
        {
            "confidence": (0.95 + 0.6 + 0.7 + 0.92) / 4,
            "confident": 0.5,
            "covered": 2 / 3,
            "class_distance": 0.25,
            "accuracy": 0.5,
        }
    )
    assert class_report(logits).keys() == {"confidence", "confident"}


def test_class_report_covered_leaves_out_classes_without_real_images() -> None:
    report = class_report(np.eye(3)[[0, 0, 0]], np.array([0.5, 0.5, 0.0]))
    assert report["covered"] == 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"logits": normal(0, 9)}, "N x K logits, found 9"),
        ({"real": np.ones(2)}, "of sum 1, found 2 of sum 2"),
        ({"labels": np.ones(8, int)}, "expected 9 integer labels"),
        ({"labels": np.full(9, 2)}, "labels from 0 to 1, found 2"),
    ],
)
def test_class_report_of_unfit_arrays_is_a_one_line_error(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        class_report(**{"logits": normal(0, 9, 2), **arguments})
    assert "\n" not in str(caught.value)
