"""Value ranges of images, and grids."""

import numpy as np
import pytest
import torch

from gfmn.common.images import bytes_to_unit, grid, signed_to_bytes, unit_to_signed


def test_signed_to_bytes_inverts_bytes_to_signed() -> None:
    images = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    unit = bytes_to_unit(images)
    assert unit.min() == 0 and unit.max() == 1
    assert (signed_to_bytes(unit_to_signed(unit)) == images).all()


def test_bytes_to_unit_refuses_floats() -> None:
    with pytest.raises(ValueError, match="uint8"):
        bytes_to_unit(torch.zeros(1, 3, 4, 4))


def test_grid_keeps_pixels() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), dtype=np.uint8)
    tiled = grid(images, columns=3)
    assert tiled.shape == (8, 12, 3)
    assert (tiled[4:8, 4:8] == images[4]).all() and (tiled[4:, 8:] == 255).all()
