"""Training on a tiny network: it learns, it repeats to the byte, it refuses what does not fit."""

from pathlib import Path

import numpy as np
import pytest
import torch
from builders.training import Taps32, config, real
from torch.utils._python_dispatch import TorchDispatchMode

from gfmn import generators
from gfmn.common.errors import InputError
from gfmn.features import statistics
from gfmn.generators.noise import Purpose, noise
from gfmn.training.config import learning_rate
from gfmn.training.trainer import Trainer


@pytest.fixture
def discs() -> np.ndarray:
    """Orange discs on blue, 32 px."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:32, :32]
    centre, radius = rng.uniform(10, 22, (64, 2, 1, 1)), rng.uniform(4, 9, (64, 1, 1))
    inside = (x - centre[:, 0]) ** 2 + (y - centre[:, 1]) ** 2 < radius**2
    return np.where(inside[..., None], [230, 140, 40], [30, 60, 150]).astype(np.uint8)


def test_statistics_equal_numpys_mean_and_unbiased_variance(discs: np.ndarray) -> None:
    network = Taps32()
    found = real(network, discs[:50])  # the last batch is a short one
    taps = network(torch.from_numpy(discs[:50].astype(np.float32) / 255).permute(0, 3, 1, 2))
    for tap, features in zip(network.taps, taps, strict=True):
        exact = features.double().numpy()
        np.testing.assert_allclose(found.mean[tap.name], exact.mean(0), rtol=1e-5, atol=1e-6)
        close = {"rtol": 1e-4, "atol": 1e-8}
        np.testing.assert_allclose(found.variance[tap.name], exact.var(0, ddof=1), **close)


@pytest.mark.parametrize("objective", ["ama", "ma", "l2", "running"])
def test_every_objective_narrows_the_gap_of_moments(objective: str, discs: np.ndarray) -> None:
    network = Taps32()
    rates = {"ama": {"rate": 0.1}, "ma": {"rate": 0.1}}
    settings = config(objective=objective, steps=120, batch=16, lr=3e-4, hold=0.5, **rates)
    trainer = Trainer(settings, network, real(network, discs), 32)
    for step in range(5):
        trainer.step(step)
    before = np.sum(trainer.objective.gaps())
    for step in range(5, 120):
        trainer.step(step)
    assert np.sum(trainer.objective.gaps()) < 0.9 * before


def test_the_learning_rate_is_held_then_falls_to_0() -> None:
    settings = config(steps=100, hold=0.5, lr=1.0)
    rates = [learning_rate(settings, step) for step in range(100)]
    assert rates[:51] == [1.0] * 51 and rates[75] == pytest.approx(0.5)
    assert rates[99] == pytest.approx(0.02)
    assert {learning_rate(config(steps=9), step) for step in range(9)} == {1e-3}


def test_the_learning_rate_rises_linearly_over_the_warmup() -> None:
    settings = config(steps=100, warmup=4, lr=1.0)
    rates = [learning_rate(settings, step) for step in range(6)]
    assert rates == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_extras_that_are_off_by_default_are_off_in_the_papers_rows() -> None:
    defaults = config()
    assert (defaults.warmup, defaults.hold, defaults.clip, defaults.ema) == (0, 1, 0, 0)


def test_clipping_bounds_the_norm_of_the_update_that_plain_descent_would_take(
    discs: np.ndarray,
) -> None:
    network = Taps32()
    norms = {}
    for clip in (0.0, 1e-3):
        trainer = Trainer(config(clip=clip), network, real(network, discs), 32)
        weights = list(trainer.generator.parameters())
        trainer.optimiser = torch.optim.SGD(weights, lr=1.0)
        before = [weight.detach().clone() for weight in weights]
        trainer.step(0)
        moved = [(a.detach() - b).norm() for a, b in zip(weights, before, strict=True)]
        norms[clip] = float(torch.stack(moved).norm())
    assert norms[0.0] > 1e-2 and norms[1e-3] == pytest.approx(1e-3, rel=1e-2)


def test_the_average_generator_is_the_exponential_average_of_the_weights(
    discs: np.ndarray,
) -> None:
    network = Taps32()
    trainer = Trainer(config(ema=0.5), network, real(network, discs), 32)
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


@pytest.mark.parametrize("objective", ["ama", "ma", "l2", "running"])
def test_a_loaded_state_goes_on_bit_for_bit(objective: str, discs: np.ndarray) -> None:
    network = Taps32()
    settings = config(objective=objective, ema=0.9, clip=1.0, warmup=3, hold=0.5)
    arguments = (settings, network, real(network, discs), 32)
    whole, first, second = (Trainer(*arguments) for _ in range(3))
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


@pytest.mark.parametrize("objective", ["ama", "ma", "l2", "running"])
def test_a_step_hands_no_value_to_the_host(
    objective: str, discs: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gfmn.common.compiling.compiler_present", lambda: False)
    network = Taps32()
    settings = config(objective=objective, ema=0.9, clip=1.0, precision="fp32")
    trainer = Trainer(settings, network, real(network, discs), 32)
    trainer.step(0)
    with NoReading():
        trainer.step(1)
        with pytest.raises(AssertionError):
            float(trainer.objective.loss())


def test_noise_depends_on_seed_purpose_step_and_index_alone() -> None:
    whole = noise(1, Purpose.TRAINING, 5, 64, 10)
    assert torch.equal(noise(1, Purpose.TRAINING, 5, 32, 10, start=32), whole[32:])
    others = [(2, Purpose.TRAINING, 5), (1, Purpose.GRID, 5), (1, Purpose.TRAINING, 6)]
    assert all(not torch.equal(noise(*key, 64, 10), whole) for key in others)
    many = noise(0, Purpose.TRAINING, 0, 20_000, 10)
    assert abs(float(many.mean())) < 0.01 and abs(float(many.std()) - 1) < 0.01


def test_statistics_of_another_network_or_data_set_are_refused(
    discs: np.ndarray, tmp_path: Path
) -> None:
    network, path = Taps32(), tmp_path / "s.safetensors"
    statistics.save(real(network, discs), path)
    again = statistics.load(path)
    statistics.verify(again, path, network, "d")
    with pytest.raises(InputError, match=r"s\.safetensors: expected dataset 'other', found 'd'"):
        statistics.verify(again, path, network, "other")
    network.digest = "1" * 64
    with pytest.raises(InputError, match="expected extractor_digest '111"):
        statistics.verify(again, path, network, "d")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"s\.safetensors: expected a whole safetensors file"):
        statistics.load(path)


def test_a_networks_weight_multiplies_its_part_of_the_gradient(discs: np.ndarray) -> None:
    network = Taps32()
    target = real(network, discs)

    def gradients(weights: dict[str, float]) -> list[torch.Tensor]:
        trainer = Trainer(config(weights=weights, objective="l2"), network, target, 32)
        found: list[torch.Tensor] = []
        trainer.optimiser.step = lambda: found.extend(w.grad.clone() for w in trainer._weights)
        trainer.step(0)
        return found

    # A tap's name begins with its network's; here each tap is a network of its own.
    alone = [gradients({"a": 0.0, "b": 0.0, "c": 0.0, name: 1.0}) for name in "abc"]
    mixed = gradients({"b": 3.0, "c": 0.5})
    for a, b, c, found in zip(*alone, mixed, strict=True):
        torch.testing.assert_close(found, a + 3 * b + 0.5 * c, rtol=1e-3, atol=1e-4)
    with pytest.raises(InputError, match="weights: no network 'd'; known: a, b, c"):
        gradients({"d": 1.0})


def test_a_generator_starts_from_the_weights_that_it_is_given(discs: np.ndarray) -> None:
    network = Taps32()
    target = real(network, discs)
    start = generators.build("dcgan", 32, 8).state_dict()
    trainer = Trainer(config(seed=3), network, target, 32, start=start)
    for key, value in trainer.generator.state_dict().items():
        assert torch.equal(value, start[key])
