"""What a training reports of its generator, on distributions whose equation 1 is known."""

import pytest
import torch
from torch import Tensor

from gfmn.features.moments import Layout, batch_moments
from gfmn.features.target import Target
from gfmn.training.objectives.monitor import Monitor

FEATURES = 400


@pytest.fixture
def target() -> Target:
    """Features of mean 0 and variance 1."""
    return Target(Layout(((FEATURES, 1, 1),)), torch.zeros(FEATURES), torch.ones(FEATURES))


def feed(monitor: Monitor, samples: Tensor) -> None:
    taps = [samples.reshape(len(samples), FEATURES, 1, 1)]
    monitor.update(batch_moments(taps, monitor.target.mean, monitor.target.layout), len(samples))


def normal(seed: int, mean: float, deviation: float) -> Tensor:
    """A minibatch of 64."""
    noise = torch.randn(64, FEATURES, generator=torch.Generator().manual_seed(seed))
    return mean + deviation * noise


def test_loss_of_a_fixed_generator_is_equation_1_without_the_noise_of_minibatches(
    target: Target,
) -> None:
    monitor, losses = Monitor(target), []
    for seed in range(400):
        feed(monitor, normal(seed, mean=0.1, deviation=1.2))
        losses.append(float(monitor.loss()))
    expected = FEATURES * (0.1**2 + (1 - 1.2**2) ** 2)
    noise = FEATURES * 1.2**2 / 64  # what equation 1 of single minibatches has more, of means alone
    assert abs(sum(losses[100:]) / 300 - expected) < 0.05 * noise


def test_loss_of_the_real_distribution_is_zero_on_average(target: Target) -> None:
    monitor, losses = Monitor(target), []
    for seed in range(400):
        feed(monitor, normal(seed, mean=0, deviation=1))
        losses.append(float(monitor.loss()))
    assert abs(sum(losses[100:]) / 300) < 0.05 * FEATURES / 64


def test_loss_sees_generators_that_are_right_only_as_a_mixture(target: Target) -> None:
    """Two generators at +1 and -1 in turn, 20 updates each: together they have the real mean."""
    monitor, losses = Monitor(target), []
    for seed in range(400):
        feed(monitor, normal(seed, mean=1 if seed // 20 % 2 else -1, deviation=1))
        losses.append(float(monitor.loss()))
    changes_of_sign = 2 / 20  # of the products, one in 20 is -1 and not 1
    assert sum(losses[100:]) / 300 == pytest.approx(FEATURES * (1 - changes_of_sign), rel=0.03)
