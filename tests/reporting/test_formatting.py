"""Numbers, parameters, durations and lists as text."""

import numpy as np
import pytest

from gfmn.reporting.formatting import (
    decimals_for,
    flatten,
    format_difference,
    format_duration,
    format_value,
    join,
)


def test_difference_always_has_a_true_sign() -> None:
    assert [format_difference(value, 1) for value in (-1234.56, 0.0, 2.0)] == [
        *("\N{MINUS SIGN}1,234.6", "+0.0", "+2.0")
    ]


def test_decimals_give_about_four_digits() -> None:
    assert [decimals_for([value]) for value in (2.5, 123.4, 12345.0, 0.00012)] == [3, 1, 1, 5]
    assert decimals_for([float("nan"), 0.0]) == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (10000, "10,000"),
        (np.int64(10000), "10,000"),
        (5e-05, "5e-05"),
        (True, "True"),
        ([0, 1], "0, 1"),
        ("all", "all"),
        (None, "None"),
    ],
)
def test_parameter_is_text_of_its_type(value: object, text: str) -> None:
    assert format_value(value) == text


def test_nested_parameters_have_dotted_names() -> None:
    assert flatten({"lr": 0.1, "ama": {"rate": 0.5}}) == {"lr": "0.1", "ama.rate": "0.5"}


def test_duration_has_two_units() -> None:
    assert [format_duration(seconds) for seconds in (12.34, 240.2, 7380)] == [
        *("12.3 s", "4 min 0 s", "2 h 3 min")
    ]


def test_join_names_each_item_once() -> None:
    assert [join(items) for items in ("", "a", "aba", "abc")] == ["", "a", "a and b", "a, b and c"]
