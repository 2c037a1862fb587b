"""Matrices of features that may lie in files: read in parts, widened to float64, and checked."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from gfmn.common.errors import InputError

CHUNK = 2**22  # values that are read and widened at a time: 32 MiB in float64


def chunks(matrix: np.ndarray | Tensor, most: int | None = None) -> Iterator[Tensor]:
    """The rows of an N x D matrix in order, as float64 matrices of at most `most` rows.

    At most `CHUNK` values are in memory at a time, also of a memory-mapped matrix. `InputError`
    for values that are not finite.
    """
    if matrix.ndim != 2 or matrix.shape[1] == 0:
        raise InputError(f"expected an N x D matrix, found {shape_of(matrix)}")
    step = rows_at_once(matrix.shape[1], most)
    for start in range(0, len(matrix), step):
        yield float64(matrix[start : start + step])


def rows_at_once(dimensions: int, most: int | None = None) -> int:
    """How many rows of so many values make `CHUNK` values together; 1 or more, `most` at most."""
    step = max(1, CHUNK // dimensions)
    return min(step, most or step)


def float64(rows: np.ndarray | Tensor) -> Tensor:
    """A float64 copy on the CPU; `InputError` for values that are not finite."""
    if isinstance(rows, Tensor):
        copy = rows.detach().to("cpu", torch.float64, copy=True)
    else:
        copy = torch.from_numpy(np.array(rows, np.float64, order="C"))
    if not copy.sum().isfinite():
        raise InputError("expected finite values, found an infinity or NaN")
    return copy


def shape_of(array: np.ndarray | Tensor) -> str:
    """An array's shape as messages say it: "5000 x 2048"."""
    return " x ".join(map(str, array.shape)) or "a single value"
