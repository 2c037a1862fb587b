"""Noise: what it depends on, and its distribution."""

import torch

from gfmn.generators.noise import Purpose, noise


def test_noise_depends_on_seed_purpose_step_and_index_alone() -> None:
    whole = noise(1, Purpose.TRAINING, 5, 64, 10)
    assert torch.equal(noise(1, Purpose.TRAINING, 5, 32, 10, start=32), whole[32:])
    others = [(2, Purpose.TRAINING, 5), (1, Purpose.GRID, 5), (1, Purpose.TRAINING, 6)]
    assert all(not torch.equal(noise(*key, 64, 10), whole) for key in others)


def test_noise_is_standard_normal() -> None:
    many = noise(0, Purpose.TRAINING, 0, 20_000, 10)
    assert abs(float(many.mean())) < 0.01 and abs(float(many.std()) - 1) < 0.01
