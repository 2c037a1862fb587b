"""Precision and recall by balls around the rows of each set."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from gfmn.common.errors import InputError
from gfmn.metrics.arrays import chunks, float64, rows_at_once, shape_of
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.metric import Measurement, Metric, Reference, Samples
from gfmn.metrics.nearest import nearest_squares
from gfmn.metrics.products import blocks, center_of, error_bound

BLOCK = 2048  # rows of each side whose distances are in memory at a time: 16 MiB, 32 in float64
ROUNDING = 1e-13  # of a squared distance, relative to both rows' squared lengths
METRICS: tuple[Metric, ...] = (
    Metric("precision", "Precision", "higher", decimals=3, main=True),
    Metric("recall", "Recall", "higher", decimals=3, main=True),
)


def measure(samples: Samples, reference: Reference, config: MetricsConfig) -> Iterator[Measurement]:
    """Both of the first `config.manifold.count` images, against as many real ones if there are."""
    k = config.manifold.k
    generated = np.asarray(samples.features[: config.manifold.count])
    real = np.asarray(reference.real.features[reference.real.manifold])
    values = precision_recall(real, generated, k, reference.real.radii)
    over = f"k = {k}, {len(generated):,} and {len(real):,} images"
    for metric, value in zip(METRICS, values, strict=True):
        yield metric.measurement(samples.space, len(generated), value, over=over)


def radii(features: np.ndarray, k: int) -> np.ndarray:
    """Distance from each of N x D rows to its k-th nearest other row: N float64.

    A row with k or more exact duplicates has radius 0. Memory does not grow with N.
    """
    if features.ndim != 2 or not 1 <= k < len(features):
        actual = f"{k} in {shape_of(features)}"
        raise InputError(f"expected k from 1 up to fewer than all N rows of N x D, found {actual}")
    squares, _ = nearest_squares(features, features, k, np.arange(len(features)))
    last: np.ndarray = np.sqrt(squares[:, -1])
    return last


def precision_recall(
    real: np.ndarray, generated: np.ndarray, k: int, real_radii: np.ndarray | None = None
) -> tuple[float, float]:
    """Improved precision and recall (Kynkäänniemi et al. 2019, arXiv:1904.06991; there k = 3).

    real: N x D, generated: M x D features. Precision is the fraction of generated rows inside
    the ball of at least one real row, recall that of real rows inside the ball of at least one
    generated row; a row's ball reaches to its k-th nearest other row of its own set, boundary
    included, so that exact duplicates lie inside each other's balls of radius 0. Both depend on
    N, M and k. `real_radii`: `radii(real, k)`, if known. Memory grows with N and M by one radius
    and two flags per row only.

    Products are of float32, which leaves few rows in doubt; those are decided in float64.
    """
    if real.ndim != 2 or generated.ndim != 2 or real.shape[1] != generated.shape[1]:
        actual = f"{shape_of(real)} and {shape_of(generated)}"
        raise InputError(f"expected N x D and M x D, found {actual}")
    if real_radii is None:
        real_radii = radii(real, k)
    elif real_radii.shape != (len(real),):
        raise InputError(f"expected {len(real)} radii, found {shape_of(real_radii)}")
    real_reaches = torch.from_numpy(np.asarray(real_radii, float))
    reaches = torch.from_numpy(radii(generated, k))
    precise, recalled = _Inside(len(generated)), _Inside(len(real))
    bound, center = error_bound(real.shape[1]), center_of(real, BLOCK)
    for x in blocks(generated, center, BLOCK):
        x_reaches = reaches[x.slice].square()
        for y in blocks(real, center, BLOCK):
            y_reaches = real_reaches[y.slice].square()
            # |x - y|^2 - r^2 without what all rows of x, or of y, have in common
            of_y, of_x = (y.squares - y_reaches).float(), (x.squares - x_reaches).float()
            block = torch.addmm(of_y, x.values, y.values.T, alpha=-2)
            error = bound * (x.squares + y.squares.max() + y_reaches.max())
            precise.add(x.slice, block.amin(1) + x.squares, error)
            error = bound * (y.squares + x.squares.max() + y_reaches + x_reaches.max())
            least = block.add_(of_x[:, None]).amin(0).double() - of_y + y.squares
            recalled.add(y.slice, least, error)
    return (
        precise.fraction(generated, real, real_reaches),
        recalled.fraction(real, generated, reaches),
    )


class _Inside:
    """Which rows lie inside a ball: certainly, perhaps, or not."""

    def __init__(self, count: int) -> None:
        self.certain = torch.zeros(count, dtype=torch.bool)
        self.possible = torch.zeros(count, dtype=torch.bool)

    def add(self, rows: slice, least: Tensor, error: Tensor) -> None:
        """`least`: each row's least |x - y|^2 - r^2 of some balls, off by `error` at most."""
        self.certain[rows] |= least <= -error
        self.possible[rows] |= least <= error

    def fraction(self, rows: np.ndarray, centers: np.ndarray, reaches: Tensor) -> float:
        """Of all rows, how many lie inside; what is in doubt is computed in float64."""
        unsure = (self.possible & ~self.certain).nonzero()[:, 0].numpy()
        step = rows_at_once(rows.shape[1], BLOCK)
        for start in range(0, len(unsure), step):
            part = unsure[start : start + step]
            self.certain[part] = _in_balls(float64(rows[part]), centers, reaches)
        return float(self.certain.double().mean())


def _in_balls(x: Tensor, centers: np.ndarray, reaches: Tensor) -> Tensor:
    """Which rows lie inside a ball, in float64."""
    inside, i = torch.zeros(len(x), dtype=torch.bool), 0
    for y in chunks(centers, BLOCK):
        balls = slice(i, i := i + len(y))
        inside |= (distances(x, y) <= reaches[balls]).any(1)
    return inside


def distances(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean distances N x M between the rows of N x D and M x D matrices, float64.

    By one matrix product; what is within its rounding is 0. That is a distance below 3e-7 of the
    rows' lengths, which float32 features do not resolve: exact duplicates are at exactly 0.
    """
    lengths = a.square().sum(1, keepdim=True) + b.square().sum(1)
    squares = torch.addmm(lengths, a, b.T, alpha=-2)
    return squares.masked_fill_(squares < ROUNDING * lengths, 0).sqrt_()
