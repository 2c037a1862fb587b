"""The nearest real images, by exact distances and in bounded memory."""

import math

import numpy as np
import torch
from torch import Tensor

from gfmn.common.errors import InputError
from gfmn.metrics.arrays import chunks, float64, shape_of
from gfmn.metrics.products import blocks, center_of, error_bound, rows_less

QUERIES = 4096  # that are compared at a time, fewer where they are of many values
VALUES = 2**25  # of those queries together: 256 MiB
BLOCK = 1024  # real rows that are compared with them at a time
SPARE = 5  # candidates besides the k nearest, so that rounding seldom leaves a doubt
PAIRS = 2**20  # differences in memory at a time: 8 MiB


def nearest(
    queries: np.ndarray, real: np.ndarray, k: int, *, leave_out: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Distances (Q x k float64, ascending) and row numbers (Q x k int64) of the nearest real rows.

    queries: Q x ..., real: M x ... of any dtype; everything behind the first axis is flattened to
    D values. The distance is the root mean square of the D differences, in the unit of the
    values: gray levels of 0 to 255 for uint8 images. It is exactly 0 for identical rows; equally
    near ones among the k come in the order of their numbers. `leave_out`: for each query the number
    of a real row to leave out (the query itself, for leave-one-out), or -1.
    `real` is read in chunks; memory does not grow with M.
    """
    queries, real = (a.reshape(len(a), math.prod(a.shape[1:])) for a in (queries, real))
    squares, rows = nearest_squares(queries, real, k, leave_out)
    return np.sqrt(squares / queries.shape[1]), rows


def nearest_squares(
    queries: np.ndarray, real: np.ndarray, k: int, leave_out: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The same of Q x D and M x D, but the sums of the squared differences, Q x k."""
    leave_out = np.full(len(queries), -1) if leave_out is None else leave_out
    _check(queries, real, k, leave_out)
    if isinstance(real, np.memmap):
        real = real.view(np.ndarray)  # a memory map's rows are read by slower code
    step = min(QUERIES, max(1, VALUES // queries.shape[1]))
    parts = [
        _nearest(queries[i : i + step], real, k, leave_out[i : i + step])
        for i in range(0, len(queries), step)
    ]
    squares, rows = zip(*parts, strict=True)
    return np.concatenate(squares), np.concatenate(rows)


def _check(queries: np.ndarray, real: np.ndarray, k: int, leave_out: np.ndarray) -> None:
    if queries.shape[1] != real.shape[1] or real.shape[1] == 0:
        actual = f"{queries.shape[1]} and {real.shape[1]}"
        raise InputError(f"expected queries and real rows of equally many values, found {actual}")
    if leave_out.shape != (len(queries),) or leave_out.dtype.kind != "i":
        actual = f"{shape_of(leave_out)} {leave_out.dtype}"
        raise InputError(f"expected {len(queries)} integers to leave out, found {actual}")
    most = len(real) - bool((leave_out >= 0).any())
    if len(queries) == 0 or not 1 <= k <= most:
        actual = f"{k} nearest of {most} for {len(queries)} queries"
        raise InputError(f"expected queries and k from 1 up to the real rows, found {actual}")
    if leave_out.max() >= len(real):
        raise InputError(f"expected rows below {len(real)} to leave out, found {leave_out.max()}")


def _nearest(
    queries: np.ndarray, real: np.ndarray, k: int, leave_out: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Candidates by float32, and where its rounding leaves a doubt by float64."""
    candidates, beyond = _candidates(queries, real, k + SPARE, leave_out)
    squares, rows = _exact(queries, real, candidates, k, leave_out)
    unsure = ~(squares[:, -1] < beyond)  # another row might be as near
    if unsure.any():
        queries, leave_out = queries[unsure], leave_out[unsure]
        candidates = _candidates_float64(queries, real, min(k + SPARE, len(real)), leave_out)
        squares[unsure], rows[unsure] = _exact(queries, real, candidates, k, leave_out)
    return squares, rows


def _candidates(
    queries: np.ndarray, real: np.ndarray, count: int, leave_out: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of `count` real rows, or all, and what no other row's squared distance is below."""
    count, bound = min(count, len(real)), error_bound(queries.shape[1])
    center = center_of(real, BLOCK)
    x = rows_less(queries, center)
    best = torch.full((len(queries), count), torch.inf)
    rows = torch.full(best.shape, -1)
    for y in blocks(real, center, BLOCK):
        least = (y.squares * (1 - bound)).float()
        below = torch.addmm(least, x.values, y.values.T, alpha=-2)  # but for the query's own
        _leave_out(below, y.first, leave_out)
        best, rows = _merge(best, rows, below, y.first)
    if count == len(real):
        return rows.numpy(), np.full(len(queries), np.inf)
    return rows.numpy(), (best[:, -1] + x.squares * (1 - bound)).numpy()


def _candidates_float64(
    queries: np.ndarray, real: np.ndarray, count: int, leave_out: np.ndarray
) -> np.ndarray:
    """Numbers of the nearest `count` real rows."""
    x, first = float64(queries), 0
    best = torch.full((len(x), count), torch.inf, dtype=torch.float64)
    rows = torch.full(best.shape, -1)
    for y in chunks(real, BLOCK):
        squares = torch.addmm(y.square().sum(1), x, y.T, alpha=-2)  # but for the query's own
        _leave_out(squares, first, leave_out)
        best, rows = _merge(best, rows, squares, first)
        first += len(y)
    return rows.numpy()


def _leave_out(squares: Tensor, first: int, leave_out: np.ndarray) -> None:
    inside = np.flatnonzero((leave_out >= first) & (leave_out < first + squares.shape[1]))
    squares[inside, leave_out[inside] - first] = torch.inf


def _merge(best: Tensor, rows: Tensor, squares: Tensor, first: int) -> tuple[Tensor, Tensor]:
    """The nearest ones so far, and of the real rows from `first` on."""
    count = best.shape[1]
    least, numbers = squares.topk(min(count, squares.shape[1]), largest=False)
    best, order = torch.cat([best, least], 1).topk(count, largest=False)
    return best, torch.cat([rows, numbers + first], 1).gather(1, order)


def _exact(
    queries: np.ndarray, real: np.ndarray, rows: np.ndarray, k: int, leave_out: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest of each query's candidates: by differences, so without a product's rounding."""
    squares = np.empty(rows.shape)
    step = max(1, PAIRS // (rows.shape[1] * queries.shape[1]))
    for i in range(0, len(rows), step):
        part = slice(i, i + step)
        differences = real[rows[part]].astype(np.float64) - queries[part, None]
        squares[part] = np.square(differences, out=differences).sum(2)
    squares[(rows == leave_out[:, None]) | (rows < 0)] = np.inf  # -1: none was left
    order = np.lexsort((rows, squares), axis=1)[:, :k]
    return np.take_along_axis(squares, order, 1), np.take_along_axis(rows, order, 1)
