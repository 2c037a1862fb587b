"""Kernels of vectors and the maximum mean discrepancy (Gretton et al., JMLR 2012)."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Kernel = Callable[[Tensor, Tensor], Tensor]  # N x D and M x D -> N x M


def squared_distances(x: Tensor, y: Tensor) -> Tensor:
    """N x D and M x D -> N x M, float32, never below 0."""
    x, y = x.float(), y.float()
    with torch.autocast(x.device.type, enabled=False):  # the difference of large numbers
        squares = x.square().sum(1)[:, None] + y.square().sum(1) - 2 * x @ y.T
    return squares.clamp_min(0)


def gaussian(scales: Sequence[float]) -> Kernel:
    """The sum of exp(-|x - y|^2 / (2 s^2)) over the scales s."""

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        squares = squared_distances(x, y)
        return torch.stack([(squares / (-2 * s**2)).exp() for s in scales]).sum(0)

    return kernel


def rational_quadratic(scales: Sequence[float]) -> Kernel:
    """The sum of (1 + |x - y|^2 / (2 a))^-a over the scales a."""

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        squares = squared_distances(x, y)
        return torch.stack([(1 + squares / (2 * a)).pow(-a) for a in scales]).sum(0)

    return kernel


def squared_mmd(kernel: Kernel, x: Tensor, y: Tensor, unbiased: bool = False) -> Tensor:
    """The squared MMD of N x D and M x D samples; unbiased: without each with itself."""
    return _mean(kernel(x, x), unbiased) + _mean(kernel(y, y), unbiased) - 2 * kernel(x, y).mean()


def _mean(matrix: Tensor, without_diagonal: bool) -> Tensor:
    if not without_diagonal:
        return matrix.mean()
    count = len(matrix)
    return (matrix.sum() - matrix.diagonal().sum()) / (count * (count - 1))


def root(squared: Tensor, least: float = 1e-8) -> Tensor:
    """The square root of what may be 0 or, by rounding, less; its gradient is finite."""
    return squared.clamp_min(least).sqrt()


def witness(kernel: Kernel, x: Tensor, real: Tensor, fake: Tensor) -> Tensor:
    """The function whose mean differs most, up to its norm: at N x D points, N numbers."""
    return kernel(x, real).mean(1) - kernel(x, fake).mean(1)
