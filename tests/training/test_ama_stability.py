"""Below which gain of the generator the ADAM moving average does not swing: docs/convergence.md."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gfmn.features.moments import Layout
from gfmn.features.target import Target
from gfmn.training.objectives.adam_moving_average import AdamMovingAverage, AMAConfig
from gfmn.training.objectives.matching import Matching

EPS = 1e6  # far above the differences: ADAM is then linear, with the weight rate / eps


def differences_after(steps: int, weight: float, beta1: float, *gains: float) -> np.ndarray:
    """steps x n: how far n features are from the real mean, each moved by its gain times v."""
    zero, gain = torch.zeros(len(gains)), torch.tensor(gains)
    target = Target(Layout(((len(gains), 1, 1),)), zero, zero)
    config = AMAConfig(rate=weight * EPS, beta1=beta1, beta2=0.0, eps=EPS)
    objective = Matching(target, AdamMovingAverage(target, config, 0))
    features, distances = torch.ones(len(gains)), []
    for _ in range(steps):
        tap = features.repeat(2, 1)[:, :, None, None]
        (gradient,) = objective([tap])
        # -v / B at each of B = 2 samples
        features = features - gain * 2 * gradient.evaluate(tap)[0, :, 0, 0]
        distances.append(features)
    return torch.stack(distances).abs().numpy()


def largest_root(weight: float, beta1: float, gain: float) -> float:
    """The modulus of the loop's slowest mode: (z-1)^2 (z-b) + a (1-b) z ((1+k) z - 1) = 0."""
    loop = np.poly1d([1, -2, 1]) * np.poly1d([1, -beta1])
    loop += weight * (1 - beta1) * np.poly1d([1 + gain, -1, 0])
    return float(np.abs(loop.roots).max())


@pytest.mark.parametrize(("weight", "beta1", "gain"), [(0.1, 0.9, 0.05), (0.3, 0.0, 0.5)])
def test_loop_decays_at_the_rate_of_its_largest_root(
    weight: float, beta1: float, gain: float
) -> None:
    distances = differences_after(1200, weight, beta1, gain)
    envelope = [distances[start : start + 200].max() for start in (600, 1000)]
    if envelope[1] > 1e-6:  # above float32's rounding
        rate = math.log(envelope[1] / envelope[0]) / 400
        assert rate == pytest.approx(math.log(largest_root(weight, beta1, gain)), rel=0.1)
    else:
        assert largest_root(weight, beta1, gain) < 0.99


@pytest.mark.parametrize(("beta1", "weight"), [(0.9, 0.1), (0.9, 0.02), (0.5, 0.1)])
def test_swings_grow_above_the_gain_of_one_minus_beta1_over_beta1_and_die_below(
    beta1: float, weight: float
) -> None:
    limit = (1 - beta1) / beta1
    growing, dying = differences_after(3000, weight, beta1, 1.3 * limit, 0.7 * limit).T
    assert growing[-100:].max() > 2 * growing[100:200].max()
    assert dying[-100:].max() < 0.5 * dying[100:200].max()


def test_without_momentum_no_such_gain_swings_for_ever() -> None:
    assert differences_after(3000, 0.1, 0.0, 0.1, 1.0, 5.0)[-1].max() < 1e-3


@given(beta1=st.floats(0.05, 0.95), weight=st.floats(1e-3, 0.5), ratio=st.floats(0.05, 0.99))
def test_limit_does_not_depend_on_the_rate(beta1: float, weight: float, ratio: float) -> None:
    limit = (1 - beta1) / beta1
    if weight * (1 + ratio * limit) < 1:  # else each step overshoots, with or without momentum
        assert largest_root(weight, beta1, ratio * limit) <= 1 + 1e-7
    assert largest_root(weight, beta1, limit * 1.05) > 1
