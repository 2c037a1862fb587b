"""Objectives of pooled features against autograd and plain loops, in float64."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from builders.tiny_network import TinyNetwork
from torch import Tensor

from gfmn.features.groups import GROUPS, GroupConfigs, new_groups
from gfmn.features.pooled import EPS, pool, stage_ends
from gfmn.features.target import Target
from gfmn.metrics.frechet import frechet_distance
from gfmn.metrics.gaussian import Gaussian
from gfmn.runtime.distributed import ALONE
from gfmn.training.objectives import OBJECTIVES, Groups, build

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
    numbers = {tap.name: i for i, tap in enumerate(network.taps) if tap.name in ends}
    asked = {
        **{name: {} for name in GROUPS},
        "covariance": {"directions": 4},
        "mixture": {"components": 3},
        "landmarks": {"landmarks": 40},
        "quantiles": {"directions": 5, "levels": 32},
    }
    groups = {}
    for name, group in new_groups(GroupConfigs.parse(asked, "groups"), len(images)).items():
        group.update({tap: pool(taps[i]).vector for tap, i in numbers.items()}, np.arange(200))
        tensors, kind = group.result(ALONE), type(group).Part
        groups[name] = tuple(
            kind(i, **{key: tensors[f"{tap}/{key}"] for key in kind.tensors()})
            for tap, i in numbers.items()
        )
    return replace(target, groups=groups)


def generated(step: int) -> Tensor:
    return torch.rand(BATCH, 3, 8, 8, generator=torch.Generator().manual_seed(step))


Distance = Callable[[Tensor, Tensor, Tensor], Tensor]
Plain = Callable[[Tensor, int], Tensor]


def frobenius(mean: Tensor, covariance: Tensor, real: Tensor) -> Tensor:
    return mean.square().sum() + (covariance - real.diag()).square().sum()


def sliced(mean: Tensor, covariance: Tensor, real: Tensor) -> Tensor:
    """`projected` along its 128 directions of 4."""
    u = torch.randn(4, 128, generator=torch.Generator().manual_seed(0)).double()
    u = u / u.norm(dim=0)
    excess = [one @ covariance @ one - one @ (real * one) for one in u.T]
    return mean.square().sum() + 4 / 128 * torch.stack(excess).square().sum()


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
    [
        ("covariance", frobenius),
        ("projected", sliced),
        ("frechet", frechet),
        ("gaussian_kl", divergence),
    ],
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
        for part in pooled_target.groups["covariance"]:
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


def only_first_tap(target: Target) -> Target:
    return replace(target, groups={name: parts[:1] for name, parts in target.groups.items()})


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
    target = only_first_tap(pooled_target)
    settings = {"positives": 30, "queue": 40, "temperatures": [0.2, 0.5]}
    ours = build("drifting", target, Groups.parse({"drifting": settings}, "g"))
    (bank,) = target.groups["bank"]
    scale = bank.scale.double()
    real, queue = bank.vectors.numpy(), np.zeros((0, len(scale)))
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


def check_gradients(name: str, target: Target, network: TinyNetwork, plain: Plain) -> None:
    """Three steps of an objective of one pooled tap against autograd through `plain(x, step)`."""
    target = only_first_tap(target)
    ours = build(name, target, Groups())
    (real,) = target.groups[OBJECTIVES[name].needs[0]]
    for step in range(3):
        taps = network(generated(step))
        tap = taps[real.tap].detach().double().requires_grad_()
        plain(vector(tap) / real.scale, step).backward()
        found = ours(taps)[real.tap]
        close = 1e-3 * float(tap.grad.abs().max())
        assert close > 0
        torch.testing.assert_close(
            found.evaluate(taps[real.tap]).double(), tap.grad, rtol=1e-3, atol=close
        )


def test_mmd_is_that_of_all_pairs_and_of_the_landmarks(
    network: TinyNetwork, pooled_target: Target
) -> None:
    real = pooled_target.groups["landmarks"][0]

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        squares = ((a[:, None] - b) ** 2).sum(2)
        return sum(1 / (1 + squares / (2 * h**2)) for h in real.bandwidths.double()) / 3

    def plain(x: Tensor, step: int) -> Tensor:
        among = (kernel(x, x).sum() - len(x)) / (len(x) * (len(x) - 1))
        return among - 2 * (kernel(x, real.points.double()) @ real.weights.double()).mean()

    check_gradients("mmd", pooled_target, network, plain)


def test_sliced_wasserstein_moves_each_place_to_the_quantile_of_its_rank(
    network: TinyNetwork, pooled_target: Target
) -> None:
    real = pooled_target.groups["quantiles"][0]
    seen: list[Tensor] = []

    def plain(x: Tensor, step: int) -> Tensor:
        y = x @ real.directions.double()
        everyone = torch.cat([y.detach(), *reversed(seen)])[: len(y) + 192]
        seen.append(y.detach())
        levels = (torch.arange(32) + 0.5) / 32
        total = torch.zeros((), dtype=torch.float64)
        for p in range(y.shape[1]):
            rank = [int((everyone[:, p] < place).sum()) for place in y[:, p].detach()]
            at = (np.array(rank) + 0.5) / len(everyone)
            quantiles = np.interp(at, levels, real.values[:, p].double())
            total = total + (y[:, p] - torch.from_numpy(quantiles)).square().sum()
        return total / y.numel()

    check_gradients("sliced_wasserstein", pooled_target, network, plain)


def test_mixture_matches_each_clusters_mean_and_deviation(
    network: TinyNetwork, pooled_target: Target
) -> None:
    real = pooled_target.groups["mixture"][0]
    sums: list[Tensor] = []

    def plain(x: Tensor, step: int) -> Tensor:
        costs = (x.detach()[:, None] - real.means).square().sum(2)
        plan = torch.exp(-costs / (0.05 * costs.mean()))
        for _ in range(20):
            plan = plan / plan.sum(1, keepdim=True) / len(x)
            plan = plan * (real.weights / plan.sum(0))
        assert torch.allclose(plan.sum(0), real.weights.double(), rtol=1e-6)
        of_cluster = (plan / real.weights).T
        sums.append(torch.stack((of_cluster @ x, of_cluster @ x.square())))
        weights = [0.05 * 0.95 ** (step - i) / (1 - 0.95 ** (step + 1)) for i in range(step + 1)]
        mean, second = sum(w * s for w, s in zip(weights, sums, strict=True))
        sums[-1] = sums[-1].detach()
        deviation = (second - mean.square()).clamp_min(1e-6).sqrt()
        excess = (mean - real.means).square() + (deviation - real.deviations).square()
        return (real.weights[:, None] * excess).sum() / x.shape[1]

    check_gradients("mixture", pooled_target, network, plain)


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
def test_descent_narrows_the_frechet_distance_of_pooled_features(
    name: str, network: TinyNetwork, pooled_target: Target
) -> None:
    """Of images of independent uniform pixels, whose means and widths are learned."""
    fields = {name: {"decay": 0.5}} if "decay" in OBJECTIVES[name].Config.model_fields else {}
    objective = build(name, pooled_target, Groups.parse(fields, "g"))
    mean, width = torch.full((3, 8, 8), 0.5), torch.full((3, 8, 8), 0.1)
    optimizer = torch.optim.Adam([mean.requires_grad_(), width.requires_grad_()])

    def images(seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return mean + width * (torch.rand(64, 3, 8, 8, generator=generator) - 0.5)

    def distance() -> float:
        with torch.no_grad():
            taps = network(images(1000))
        total = 0.0
        for part in pooled_target.groups["bank"]:
            of_images = Gaussian.fit(pool(taps[part.tap]).vector)
            total += frechet_distance(of_images, Gaussian.fit(part.vectors * part.scale))
        return total

    before = distance()
    for step in range(100):
        optimizer.param_groups[0]["lr"] = 0.02 * (1 - step / 100)
        taps = network(images(step))
        pairs = zip(taps, objective([tap.detach() for tap in taps]), strict=True)
        optimizer.zero_grad()
        sum((tap * g.evaluate(tap.detach())).sum() for tap, g in pairs if g is not None).backward()
        optimizer.step()
    assert distance() < 0.5 * before


def evaluated(gradients: list, taps: list[Tensor]) -> Tensor:
    """All taps' gradients in one vector."""
    pairs = zip(gradients, taps, strict=True)
    return torch.cat([(t * 0 if g is None else g.evaluate(t)).flatten() for g, t in pairs])
