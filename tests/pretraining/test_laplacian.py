"""The Laplacian pyramid and its distance."""

import pytest
import torch

from gfmn.pretraining.laplacian import laplacian_distance, pyramid, rebuilt


def test_pyramid_is_invertible() -> None:
    images = torch.rand(2, 3, 32, 32, dtype=torch.float64)
    levels = pyramid(images)
    assert [level.shape[-1] for level in levels] == [32, 16, 8, 4]
    torch.testing.assert_close(rebuilt(levels), images)
    brighter = pyramid(images + 0.5)
    for before, after in zip(levels[:-1], brighter[:-1], strict=True):
        torch.testing.assert_close(after, before)
    torch.testing.assert_close(brighter[-1], levels[-1] + 0.5)
    # 4 x 4 of 32 x 32 places, at weight 4^-3.
    assert laplacian_distance(images + 0.5, images).item() == pytest.approx(0.5 / 64 / 64, rel=1e-3)
    assert laplacian_distance(images, images) == 0


def test_laplacian_distance_weights_fine_detail() -> None:
    fine = torch.zeros(1, 3, 32, 32)
    fine[..., ::2, ::2] = 1
    coarse = torch.zeros(1, 3, 32, 32)
    coarse[..., :16, :] = 0.25 * 2
    zero = torch.zeros(1, 3, 32, 32)
    assert fine.mean() == coarse.mean()
    assert laplacian_distance(fine, zero) > 5 * laplacian_distance(coarse, zero)
