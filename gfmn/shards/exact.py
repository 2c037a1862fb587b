"""Sums that no order and no grouping changes."""

from typing import Self

import torch
from torch import Tensor

from gfmn.common.errors import InputError

BITS = 48  # of a digit
DIGITS = 3
UNIT = 2.0**-80  # below which values are cut off
LARGEST = 2.0**62  # of a value that is added


class ExactSum:
    """A tensor's sum in fixed point: integers, so that it is the same bits in any order.

    3 x ... int64, the lowest digit first, each of the lower two in [0, 2^48), the last one signed.
    A sum of float64 values is exact down to 2^-80 and has one form: what n processes, or n teams,
    add up is what one has. Below 2^62 each, as many as 2^33 of them.
    """

    def __init__(self, digits: Tensor) -> None:
        self.digits = digits

    @classmethod
    def zeros(cls, *shape: int) -> Self:
        """The sum of nothing."""
        return cls(torch.zeros(DIGITS, *shape, dtype=torch.int64))

    def add(self, values: Tensor) -> None:
        """Add float64 values of the sum's shape; `InputError` for one that is not below 2^62."""
        if not bool((values.abs() < LARGEST).all()):  # NaN is not, either
            raise InputError("expected features that are finite, found NaN, infinity or too large")
        rest, found = values.abs() / UNIT, []
        for place in range(DIGITS - 1, -1, -1):
            scale = 2.0 ** (BITS * place)
            digit = (rest / scale).floor()
            rest = rest - digit * scale  # exact: these are the leading bits
            found.append(digit.long())
        self.digits += torch.stack(found[::-1]) * values.sign().long()
        self.carry()

    def merge(self, other: "ExactSum") -> None:
        """Add another sum of the same shape."""
        self.digits += other.digits
        self.carry()

    def carry(self) -> None:
        """Bring the digits into their one form, after integers were added to them."""
        for place in range(DIGITS - 1):
            over = self.digits[place] >> BITS
            self.digits[place] -= over << BITS
            self.digits[place + 1] += over

    def value(self) -> Tensor:
        """The sum in float64, rounded."""
        negative = self.digits[-1] < 0
        size = ExactSum(torch.where(negative, -self.digits, self.digits))
        size.carry()
        result = torch.zeros(size.digits.shape[1:], dtype=torch.float64)
        for place in range(DIGITS - 1, -1, -1):
            result += size.digits[place].double() * (2.0 ** (BITS * place) * UNIT)
        return torch.where(negative, -result, result)
