"""Taps as matrices: one row a sample, in the order of its memory."""

from collections.abc import Sequence

from torch import Tensor


def rows(tap: Tensor) -> Tensor:
    """B x C x H x W -> B x (H W C), a view where the tap is channels-last in memory."""
    return tap.permute(0, 2, 3, 1).reshape(len(tap), -1)


def from_rows(matrix: Tensor, shape: Sequence[int]) -> Tensor:
    """The inverse of `rows` for taps of one sample's `shape` C x H x W."""
    channels, height, width = shape
    return matrix.view(len(matrix), height, width, channels).permute(0, 3, 1, 2)
