"""Below which gain of the generator the ADAM moving average does not swing: docs/convergence.md."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gfmn.features.moments import Layout, Target
from gfmn.training.objectives.adam_moving_average import AdamMovingAverage, AMAConfig

EPS = 1e6  # far above the differences: ADAM is then linear, with the weight rate / eps


def difference_after(steps: int, weight: float, beta1: float, gain: float) -> list[float]:
    """The distance of a feature from the real mean, moved by `gain` times the objective's v."""
    target = Target(Layout(((1, 1, 1),)), torch.zeros(1), torch.zeros(1))
    config = AMAConfig(rate=weight * EPS, beta1=beta1, beta2=0.0, eps=EPS)
    objective = AdamMovingAverage(target, config, 0)
    feature, distances = 1.0, []
    for _ in range(steps):
        tap = torch.full((2, 1, 1, 1), feature)
        (gradient,) = objective([tap])
        feature -= gain * 2 * float(gradient.evaluate(tap)[0])  # -v / B at each of B = 2 samples
        distances.append(feature)
    return distances


def largest_root(weight: float, beta1: float, gain: float) -> float:
    """The modulus of the loop's slowest mode: (z-1)^2 (z-b) + a (1-b) z ((1+k) z - 1) = 0."""
    loop = np.poly1d([1, -2, 1]) * np.poly1d([1, -beta1])
    loop += weight * (1 - beta1) * np.poly1d([1 + gain, -1, 0])
    return float(np.abs(loop.roots).max())


@pytest.mark.parametrize(("weight", "beta1", "gain"), [(0.1, 0.9, 0.05), (0.3, 0.0, 0.5)])
def test_loop_decays_at_the_rate_of_its_largest_root(
    weight: float, beta1: float, gain: float
) -> None:
    distances = difference_after(1200, weight, beta1, gain)
    envelope = [max(map(abs, distances[start : start + 200])) for start in (600, 1000)]
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
    growing = difference_after(3000, weight, beta1, 1.3 * limit)
    dying = difference_after(3000, weight, beta1, 0.7 * limit)
    assert max(map(abs, growing[-100:])) > 2 * max(map(abs, growing[100:200]))
    assert max(map(abs, dying[-100:])) < 0.5 * max(map(abs, dying[100:200]))


@pytest.mark.parametrize("gain", [0.1, 1.0, 5.0])
def test_without_momentum_no_such_gain_swings_for_ever(gain: float) -> None:
    assert abs(difference_after(3000, 0.1, 0.0, gain)[-1]) < 1e-3


@given(beta1=st.floats(0.05, 0.95), weight=st.floats(1e-3, 0.5), ratio=st.floats(0.05, 0.99))
def test_limit_does_not_depend_on_the_rate(beta1: float, weight: float, ratio: float) -> None:
    limit = (1 - beta1) / beta1
    if weight * (1 + ratio * limit) < 1:  # else each step overshoots, with or without momentum
        assert largest_root(weight, beta1, ratio * limit) <= 1 + 1e-7
    assert largest_root(weight, beta1, limit * 1.05) > 1
