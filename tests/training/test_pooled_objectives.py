"""Objectives of pooled features against autograd and plain loops, in float64."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from builders.tiny_network import TinyNetwork
from builders.training import Taps32, config, orange_discs, real
from torch import Tensor

from gfmn.features.pooled import EPS, pool, stage_ends
from gfmn.features.target import PooledBank, PooledCovariance, Target
from gfmn.generators.sampling import fixed_grid
from gfmn.metrics.frechet import frechet_distance
from gfmn.metrics.gaussian import Gaussian
from gfmn.training.objectives import OBJECTIVES, Groups, build
from gfmn.training.trainer import Inputs, Trainer

BATCH = 24


def vector(tap: Tensor) -> Tensor:
    """B x 2C pooled features by torch's own operations, with a graph."""
    flat = tap.flatten(2)
    return torch.cat((flat.mean(2), (flat.var(2, correction=0) + EPS).sqrt()), 1)


@pytest.fixture
def pooled_target(network: TinyNetwork, target: Target) -> Target:
    """With the groups of all pooled taps, of random images unlike the generated ones."""
    images = torch.rand(200, 3, 8, 8, generator=torch.Generator().manual_seed(9)) * 0.7
    taps, ends = network(images), stage_ends(network.taps)
    covariances, banks = [], []
    for i, tap in enumerate(network.taps):
        if tap.name in ends:
            vectors = pool(taps[i]).vector
            variances, directions = torch.linalg.eigh(vectors.T.cov())
            kept = (directions.flip(1)[:, :4].contiguous(), variances.flip(0)[:4])
            covariances.append(PooledCovariance(i, vectors.mean(0), *kept))
            banks.append(PooledBank(i, vectors))
    return replace(target, covariance=tuple(covariances), bank=tuple(banks))


def generated(step: int) -> Tensor:
    return torch.rand(BATCH, 3, 8, 8, generator=torch.Generator().manual_seed(step))


Distance = Callable[[Tensor, Tensor, Tensor], Tensor]


def frobenius(mean: Tensor, covariance: Tensor, real: Tensor) -> Tensor:
    return mean.square().sum() + (covariance - real.diag()).square().sum()


def frechet(mean: Tensor, covariance: Tensor, real: Tensor) -> Tensor:
    root = real.sqrt().diag()
    values = torch.linalg.eigvalsh(root @ covariance @ root)
    return mean.square().sum() + covariance.trace() + real.sum() - 2 * values.sqrt().sum()


def divergence(mean: Tensor, covariance: Tensor, real: Tensor) -> Tensor:
    generated, of_real = (
        torch.distributions.MultivariateNormal(center, matrix)
        for center, matrix in ((mean, covariance), (torch.zeros_like(mean), real.diag()))
    )
    return torch.distributions.kl_divergence(generated, of_real)


@pytest.mark.parametrize(
    ("name", "distance"),
    [("covariance", frobenius), ("frechet", frechet), ("gaussian_kl", divergence)],
)
def test_gradient_of_a_gaussian_objective_equals_autograds(
    name: str, distance: Distance, network: TinyNetwork, pooled_target: Target
) -> None:
    decay, floor = 0.8, 0.3
    group = {name: {"decay": decay, "floor": floor}}
    ours = build(name, pooled_target, Groups.parse(group, "g"))
    averages: dict[int, Tensor] = {}
    for step in range(3):
        taps = network(generated(step))
        plain = [tap.detach().double().requires_grad_() for tap in taps]
        total = torch.zeros((), dtype=torch.float64)
        for part in pooled_target.covariance:
            floored = (part.variances + floor * part.variances.mean()).double()
            y = (vector(plain[part.tap]) - part.mean) @ (part.directions / floored.sqrt())
            newest = torch.cat((y.mean(0, keepdim=True), y.T @ y / BATCH))
            average = averages.get(part.tap, torch.zeros_like(newest)) * decay
            average = average + (1 - decay) * newest
            averages[part.tap] = average.detach()
            current = average / (1 - decay ** (step + 1))
            covariance = current[1:] - torch.outer(current[0], current[0])
            total = total + distance(current[0], covariance, part.variances / floored) / 4
        total.backward()
        square = 0.0
        for tap, gradient, expected in zip(taps, ours(taps), plain, strict=True):
            assert gradient is not None and expected.grad is not None
            found = gradient.evaluate(tap).double()
            close = 1e-4 * float(expected.grad.abs().max())
            torch.testing.assert_close(found, expected.grad, rtol=1e-3, atol=close)
            square += float(expected.grad.square().sum())
        assert square > 0


def drift(
    x: np.ndarray, positives: np.ndarray, negatives: np.ndarray, temperature: float
) -> np.ndarray:
    """The paper's field by its sums; the first negatives are x itself."""
    far = 1e12

    def distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.array([[np.sqrt(((p - q) ** 2).sum()) for q in b] for p in a])

    near, away = distance(x, positives), distance(x, negatives)
    for i in range(len(x)):
        away[i, i] = far
    scale = temperature * near.mean()
    kernel = np.exp(-np.concatenate((near, away), 1) / scale)
    weights = np.sqrt(kernel / kernel.sum(1, keepdims=True) * kernel / kernel.sum(0, keepdims=True))
    found = np.zeros_like(x)
    for i in range(len(x)):
        for j in range(len(positives)):
            for k in range(len(negatives)):
                weight = weights[i, j] * weights[i, len(positives) + k]
                found[i] += weight * (positives[j] - negatives[k])
    return found / np.sqrt((found**2).mean())


def test_drifting_is_the_papers_field_of_batch_bank_and_queue(
    network: TinyNetwork, pooled_target: Target
) -> None:
    target = replace(pooled_target, bank=pooled_target.bank[:1])
    settings = {"positives": 30, "queue": 40, "temperatures": [0.2, 0.5], "floor": 0.1}
    ours = build("drifting", target, Groups.parse({"drifting": settings}, "g"))
    (bank,) = target.bank
    deviation = bank.vectors.double().std(0)
    scale = deviation + 0.1 * deviation.mean()
    real, queue = (bank.vectors / scale).numpy(), np.zeros((0, len(scale)))
    for step in range(3):
        taps = network(generated(step))
        tap = taps[bank.tap].detach().double().requires_grad_()
        x = vector(tap) / scale
        values = x.detach().numpy()
        negatives = np.concatenate((values, queue))
        positives = real[np.arange(30 * step, 30 * step + 30) % len(real)]
        field = sum(drift(values, positives, negatives, t) for t in (0.2, 0.5))
        x.backward(torch.from_numpy(-field / BATCH))
        queue = negatives[:40]
        gradients = ours(taps)
        assert [g is not None for g in gradients] == [i == bank.tap for i in range(len(taps))]
        found = gradients[bank.tap].evaluate(taps[bank.tap]).double()
        close = 1e-4 * float(tap.grad.abs().max())
        torch.testing.assert_close(found, tap.grad, rtol=1e-3, atol=close)


@pytest.mark.parametrize("first", ["ama", "moment_matching"])
def test_added_gradients_have_the_given_lengths_in_the_firsts(
    first: str, network: TinyNetwork, pooled_target: Target
) -> None:
    added = {"covariance": 2.0, "drifting": 0.5}
    summed = build(first, pooled_target, Groups(), added=added)
    alone = {name: build(name, pooled_target, Groups()) for name in (first, *added)}
    for step in range(2):
        taps = network(generated(step))
        parts = {name: evaluated(one(taps), taps) for name, one in alone.items()}
        length = parts[first].norm()
        expected = parts[first]
        for name, ratio in added.items():
            expected = expected + parts[name] * (ratio * length / parts[name].norm())
        torch.testing.assert_close(evaluated(summed(taps), taps), expected, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("name", [name for name, cls in OBJECTIVES.items() if cls.needs])
def test_training_narrows_the_frechet_distance_of_pooled_features(name: str) -> None:
    network, discs = Taps32(), orange_discs()
    fields = {name: {"decay": 0.8}} if "decay" in OBJECTIVES[name].Config.model_fields else {}
    settings = config(objective=name, steps=80, batch=16, lr=3e-4, lr_hold_fraction=0.5, **fields)
    trainer = Trainer(settings, Inputs(network, real(network, discs)))

    def features(images: np.ndarray) -> np.ndarray:
        taps = network(torch.from_numpy(images.astype(np.float32) / 255).permute(0, 3, 1, 2))
        return torch.cat([pool(tap).vector for tap in taps], 1).numpy()

    def distance() -> float:
        images = fixed_grid(trainer.result, settings.latent, 0, 64)
        return frechet_distance(Gaussian.fit(features(images)), Gaussian.fit(features(discs)))

    for step in range(5):
        trainer.step(step)
    before = distance()
    for step in range(5, 80):
        trainer.step(step)
    assert distance() < 0.5 * before


def evaluated(gradients: list, taps: list[Tensor]) -> Tensor:
    """All taps' gradients in one vector."""
    pairs = zip(gradients, taps, strict=True)
    return torch.cat([(t * 0 if g is None else g.evaluate(t)).flatten() for g, t in pairs])
