"""Sums of shards: exact, and the same bits in any order."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gfmn.common.errors import InputError
from gfmn.shards.exact import ExactSum

# From the unit's size to near the largest: a float64 is cut off below 2^-80.
NUMBERS = st.lists(st.floats(-1e17, 1e17).filter(lambda x: x == 0 or abs(x) > 1e-8), min_size=1)


def total(numbers: list[float]) -> ExactSum:
    found = ExactSum.zeros(1)
    for number in numbers:
        found.add(torch.tensor([number], dtype=torch.float64))
    return found


@settings(max_examples=100, deadline=None, database=None, derandomize=True)
@given(NUMBERS, st.integers(0, 10), st.randoms())
def test_sums_are_those_of_fractions_and_the_same_bits_in_any_order_and_grouping(
    numbers: list[float], cut: int, random: object
) -> None:
    whole = total(numbers)
    exact = sum(map(Fraction, numbers))
    digits = [int(digit) for digit in whole.digits[:, 0]]
    found = sum(Fraction(digit) * 2 ** (48 * i) for i, digit in enumerate(digits)) / 2**80
    assert found == exact
    assert float(whole.value()) == pytest.approx(float(exact), rel=1e-15)
    shuffled = numbers[:]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    parts = total(shuffled[:cut]), total(shuffled[cut:])
    parts[0].merge(parts[1])
    assert parts[0].digits.tolist() == whole.digits.tolist()


@pytest.mark.parametrize("value", [torch.nan, -torch.inf, 2.0**62])
def test_values_that_have_no_place_are_refused(value: float) -> None:
    with pytest.raises(InputError, match="expected features that are finite"):
        total([1.0, value])
