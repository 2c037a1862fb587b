"""The nearest real images, by exact distances and in bounded memory."""

import math

import numpy as np
import torch

from gfmn.common.errors import InputError
from gfmn.metrics.arrays import chunks, float64, shape_of

QUERIES = 1024  # that are compared at a time, fewer where they are of many values
VALUES = 2**25  # of those queries together: 256 MiB
BLOCK = 4096  # real rows that are compared with them at a time


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
    leave_out = np.full(len(queries), -1) if leave_out is None else leave_out
    _check(queries, real, k, leave_out)
    step = min(QUERIES, max(1, VALUES // queries.shape[1]))
    parts = [
        _nearest(queries[i : i + step], real, k, leave_out[i : i + step])
        for i in range(0, len(queries), step)
    ]
    distances, rows = zip(*parts, strict=True)
    return np.concatenate(distances), np.concatenate(rows)


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
    x = float64(queries)
    best = torch.full((len(x), k), torch.inf, dtype=torch.float64)
    rows = torch.zeros(len(x), k, dtype=torch.int64)
    start = 0
    for y in chunks(real, BLOCK):
        squares = torch.addmm(y.square().sum(1), x, y.T, alpha=-2)  # but for the query's own
        inside = np.flatnonzero((leave_out >= start) & (leave_out < start + len(y)))
        squares[inside, leave_out[inside] - start] = torch.inf
        least, numbers = squares.topk(min(k, len(y)), largest=False)
        best, order = torch.cat([best, least], 1).topk(k, largest=False)
        rows = torch.cat([rows, numbers + start], 1).gather(1, order)
        start += len(y)
    return _exact(x.numpy(), real, rows.numpy())


def _exact(
    queries: np.ndarray, real: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Distances by differences, so that no product's rounding is left, and in their order."""
    distances = np.stack(
        [
            np.sqrt(np.square(real[row].astype(np.float64) - query).mean(1))
            for query, row in zip(queries, rows, strict=True)
        ]
    )
    order = np.lexsort((rows, distances), axis=1)
    return np.take_along_axis(distances, order, 1), np.take_along_axis(rows, order, 1)
