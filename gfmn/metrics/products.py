"""Rows in float32, whose products take half of float64's time, and how far these may be off."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from gfmn.common.errors import InputError
from gfmn.metrics.arrays import rows_at_once

UNIT = 2.0**-24  # relative rounding of float32
LONGEST = 1e18  # length of a row
EXACT = (torch.uint8, torch.float16, torch.float32)  # whose values float32 has


@dataclass(frozen=True)
class Rows:
    """Some rows of a matrix less a center, and their squared lengths.

    `values`: n x D float32; `squares`: n float64; `first`: the first one's number in the matrix.
    """

    values: Tensor
    squares: Tensor
    first: int = 0

    @property
    def slice(self) -> slice:
        """Where they are in the matrix."""
        return slice(self.first, self.first + len(self.values))


def center_of(matrix: np.ndarray | Tensor, most: int) -> Tensor:
    """The mean (D float32) of a matrix's first rows, which makes its rows short.

    Products of short rows are off by little. Any center serves, if it is the same for both sides.
    """
    return _exact(matrix[: rows_at_once(matrix.shape[1], most)]).mean(0).float()


def rows_less(rows: np.ndarray | Tensor, center: Tensor, first: int = 0) -> Rows:
    """n x D rows of any precision less a center, n >= 1.

    `InputError` for values that are not finite, and for rows whose squares float32 cannot hold.
    """
    values = (_exact(rows) - center).float()
    squares = values.square().sum(1).double()  # a sum in float64 takes as long as the products
    longest = float(squares.max()) ** 0.5
    if not longest < LONGEST:
        expected = f"finite values and rows of a length below {LONGEST:.0e}"
        raise InputError(f"expected {expected}, found a length of {longest:.3g}")
    return Rows(values, squares, first)


def blocks(matrix: np.ndarray | Tensor, center: Tensor, most: int) -> Iterator[Rows]:
    """All rows in order, less a center, at most `most` at a time."""
    step = rows_at_once(matrix.shape[1], most)
    for first in range(0, len(matrix), step):
        yield rows_less(matrix[first : first + step], center, first)


def error_bound(dimensions: int) -> float:
    """How far |x - y|^2 in float32 may be from the truth, relative to |x|^2 + |y|^2.

    For rows as `rows_less` gives them: the squared lengths and the product are sums of D products
    in any order, each step off by half a unit in the last place, and there are a few steps more
    (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1).
    """
    return (2 * dimensions + 16) * UNIT


def _exact(rows: np.ndarray | Tensor) -> Tensor:
    """float32 where that has every value, else float64."""
    tensor = rows if isinstance(rows, Tensor) else torch.from_numpy(np.array(rows))
    return tensor.detach().cpu().to(torch.float32 if tensor.dtype in EXACT else torch.float64)
