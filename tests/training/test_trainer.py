"""Training on a tiny network: it learns, it repeats to the byte, it refuses what does not fit."""

import numpy as np
import pytest
import torch
from builders.training import Taps32, config, orange_discs, real
from torch.utils._python_dispatch import TorchDispatchMode

from gfmn import generators
from gfmn.common.errors import InputError
from gfmn.features.statistics import Statistics
from gfmn.training.objectives import OBJECTIVES
from gfmn.training.schedule import learning_rate
from gfmn.training.trainer import Inputs, Trainer


@pytest.fixture(scope="module")
def statistics() -> Statistics:
    return real(Taps32(), orange_discs())


def trainer_of(statistics: Statistics, **changes: object) -> Trainer:
    return Trainer(config(**changes), Inputs(Taps32(), statistics))


@pytest.mark.parametrize("objective", [name for name, cls in OBJECTIVES.items() if not cls.needs])
def test_trainer_narrows_the_gap_of_moments(objective: str, statistics: Statistics) -> None:
    fields = {"ama": {"rate": 0.1}, "ma": {"rate": 0.1}, "lr": 3e-4, "lr_hold_fraction": 0.5}
    trainer = trainer_of(statistics, objective=objective, steps=60, **fields)
    for step in range(5):
        trainer.step(step)
    before = np.sum(trainer.objective.monitor.gaps())
    for step in range(5, 60):
        trainer.step(step)
    assert np.sum(trainer.objective.monitor.gaps()) < 0.9 * before


def test_learning_rate_is_held_then_falls_to_0() -> None:
    settings = config(steps=100, lr_hold_fraction=0.5, lr=1.0)
    rates = [learning_rate(settings, step) for step in range(100)]
    assert rates[:51] == [1.0] * 51 and rates[75] == pytest.approx(0.5)
    assert rates[99] == pytest.approx(0.02)
    assert {learning_rate(config(steps=9), step) for step in range(9)} == {1e-3}


def test_learning_rate_rises_linearly_over_the_warmup() -> None:
    settings = config(steps=100, warmup=4, lr=1.0)
    rates = [learning_rate(settings, step) for step in range(6)]
    assert rates == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_grad_clip_norm_bounds_the_norm_of_a_plain_descent_step(statistics: Statistics) -> None:
    norms = {}
    for clip in (0.0, 1e-3):
        trainer = trainer_of(statistics, grad_clip_norm=clip)
        trainer.optimizer = torch.optim.SGD(trainer.weights, lr=1.0)
        before = [weight.detach().clone() for weight in trainer.weights]
        trainer.step(0)
        moved = [(a.detach() - b).norm() for a, b in zip(trainer.weights, before, strict=True)]
        norms[clip] = float(torch.stack(moved).norm())
    assert norms[0.0] > 1e-2 and norms[1e-3] == pytest.approx(1e-3, rel=1e-2)


def test_result_with_ema_is_the_exponential_average_of_the_weights(
    statistics: Statistics,
) -> None:
    trainer = trainer_of(statistics, ema=0.5)
    expected = {k: v.double() for k, v in trainer.generator.state_dict().items()}
    for step in range(6):
        trainer.step(step)
        decay = min(0.5, (1 + step) / (10 + step))
        for key, value in trainer.generator.state_dict().items():
            expected[key] = decay * expected[key] + (1 - decay) * value.double()
    found = trainer.result.state_dict()
    for key, value in expected.items():
        if not key.endswith("num_batches_tracked"):
            torch.testing.assert_close(found[key].double(), value, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("objective", ["l2", "ma", "ama"])
def test_papers_objectives_are_the_same_to_the_bit_whatever_else_the_statistics_have(
    objective: str, statistics: Statistics
) -> None:
    rate = {"ama": {"rate": 0.1}, "ma": {"rate": 0.1}}
    bare = Statistics(statistics.metadata, statistics.mean, statistics.variance, {})
    others = {"covariance": {"decay": 0.5}, "drifting": {"positives": 8}}
    trainers = [
        trainer_of(bare, objective=objective, **rate),
        trainer_of(statistics, objective=objective, **rate, **others),
    ]
    for trainer in trainers:
        for step in range(6):
            trainer.step(step)
    expected, found = (trainer.state() for trainer in trainers)
    assert expected.keys() == found.keys()
    assert all(torch.equal(found[key], value) for key, value in expected.items())


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_loaded_state_continues_bit_for_bit(objective: str, statistics: Statistics) -> None:
    fields = {"ema": 0.9, "grad_clip_norm": 1.0, "warmup": 3, "lr_hold_fraction": 0.5}
    trainers = [trainer_of(statistics, objective=objective, **fields) for _ in range(3)]
    whole, first, second = trainers
    for step in range(8):
        whole.step(step)
    for step in range(4):
        first.step(step)
    # Plain copies, as a file keeps them: not in the weights' order of memory.
    second.load_state({key: value.clone().contiguous() for key, value in first.state().items()})
    for step in range(4, 8):
        second.step(step)
    expected, found = whole.state(), second.state()
    assert expected.keys() == found.keys()
    assert all(torch.equal(found[key], value) for key, value in expected.items())


class NoReading(TorchDispatchMode):
    """Refuses every operation that hands a value to the host, as on a GPU it would wait."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        assert function is not torch.ops.aten._local_scalar_dense.default
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_step_hands_no_value_to_the_host(objective: str, statistics: Statistics) -> None:
    trainer = trainer_of(statistics, objective=objective, ema=0.9, grad_clip_norm=1.0)
    trainer.step(0)
    with NoReading():
        trainer.step(1)
        with pytest.raises(AssertionError):
            float(trainer.objective.monitor.loss())


def test_weights_multiply_the_gradient_of_their_network(statistics: Statistics) -> None:
    def gradients(weights: dict[str, float]) -> list[torch.Tensor]:
        trainer = trainer_of(statistics, weights=weights, objective="l2")
        found: list[torch.Tensor] = []
        trainer.optimizer.step = lambda: found.extend(w.grad.clone() for w in trainer.weights)
        trainer.step(0)
        return found

    # A tap's name begins with its network's; here each tap is a network of its own.
    alone = [gradients({"a": 0.0, "b": 0.0, "c": 0.0, name: 1.0}) for name in "abc"]
    mixed = gradients({"b": 3.0, "c": 0.5})
    for a, b, c, found in zip(*alone, mixed, strict=True):
        torch.testing.assert_close(found, a + 3 * b + 0.5 * c, rtol=1e-3, atol=1e-4)
    with pytest.raises(InputError, match="weights: no network 'd'; known: a, b, c"):
        gradients({"d": 1.0})


def test_generator_starts_from_given_weights(statistics: Statistics) -> None:
    start = generators.build("dcgan", 32, 8).state_dict()
    trainer = Trainer(config(seed=3), Inputs(Taps32(), statistics, start))
    for key, value in trainer.generator.state_dict().items():
        assert torch.equal(value, start[key])
