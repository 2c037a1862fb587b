"""The checkerboard's share of images whose share is known."""

import numpy as np
import pytest
from builders.extractor_files import line

from gfmn.metrics.checkerboard import checkerboard


def board(height: int, width: int) -> np.ndarray:
    return np.where(np.indices((height, width)).sum(0) % 2, 1.0, -1.0)[None, :, :, None]


@pytest.mark.parametrize("shape", [(8, 8), (9, 7)])
def test_a_checkerboard_is_all_of_its_own_variance(shape: tuple[int, int]) -> None:
    images = np.repeat(board(*shape), 3, axis=3) * [1, 2, 3] + [10, 0, 5]
    assert checkerboard(images) == pytest.approx(1)


def test_white_noise_has_a_quarter_and_slow_waves_have_next_to_nothing() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 16, 16, 3), dtype=np.uint8)
    assert checkerboard(noise) == pytest.approx(0.25, rel=0.02)
    ramp = np.broadcast_to(np.arange(16.0)[:, None, None], (5, 16, 16, 3))
    assert checkerboard(ramp) < 1e-12
    assert checkerboard(np.full((3, 4, 4, 3), 200, np.uint8)) == 0


def test_shares_of_energy_add_up() -> None:
    noise = np.random.default_rng(1).normal(size=(400, 16, 16, 1))
    # Noise of variance 1 with a quarter, and a board of amplitude 2 that is one alone.
    mixed = checkerboard(noise + 2 * board(16, 16))
    assert mixed == pytest.approx((0.25 * 1 + 4) / (1 + 4), rel=0.02)


def test_images_of_one_pixel_are_a_one_line_error() -> None:
    message = line(checkerboard, np.zeros((5, 1, 8, 3), np.uint8))
    assert message == "expected images of 2 x 2 pixels or more, found 5 x 1 x 8 x 3"
