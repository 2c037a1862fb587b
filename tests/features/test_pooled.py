"""Pooled features, their gradient, and the groups of statistics made of them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from builders.training import Taps32, orange_discs, real
from torch import Tensor

from gfmn.features import statistics
from gfmn.features.extractor import Tap
from gfmn.features.groups import Bank, BankConfig, Covariance, CovarianceConfig
from gfmn.features.pooled import pool, stage_ends
from gfmn.networks.tap_gradients import AffineGradient, SumGradient
from gfmn.runtime.distributed import ALONE


def tap_of(*shape: int) -> Tensor:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(0)).relu()
    return values.to(memory_format=torch.channels_last)


@pytest.mark.parametrize("shape", [(5, 7, 4, 6), (5, 7, 1, 1)])
def test_tap_gradient_is_autograds_through_mean_and_deviation(shape: tuple[int, ...]) -> None:
    tap = tap_of(*shape)
    pooled = pool(tap)
    by_vector = torch.randn(pooled.vector.shape, generator=torch.Generator().manual_seed(1))
    found = pooled.tap_gradient(by_vector)
    plain = tap.detach().double().requires_grad_()
    parts = [plain.mean((2, 3))]
    if shape[2] > 1:
        parts.append((plain.var((2, 3), correction=0) + 1e-6).sqrt())
    vector = torch.cat(parts, 1)
    torch.testing.assert_close(pooled.vector.double(), vector.detach(), rtol=1e-5, atol=1e-6)
    (expected,) = torch.autograd.grad(vector, plain, by_vector.double())
    torch.testing.assert_close(found.evaluate(tap).double(), expected, rtol=1e-4, atol=1e-6)
    square = float(expected.square().sum())
    assert float(pooled.square_norm(by_vector)) == pytest.approx(square, rel=1e-4)


def test_sum_of_gradients_adds_both_and_is_masked_by_a_relu() -> None:
    tap = tap_of(3, 4, 2, 2)
    values = tap.permute(0, 2, 3, 1).flatten(1)
    affine = AffineGradient(*torch.randn(2, 16, generator=torch.Generator().manual_seed(2)))
    channel = pool(tap).tap_gradient(torch.ones(3, 8))
    both = SumGradient(affine, channel.scaled(2.0)).scaled(0.5)
    expected = 0.5 * affine.evaluate(tap) + channel.evaluate(tap)
    torch.testing.assert_close(both.evaluate(tap), expected)
    grad = torch.full_like(values, 3.0)
    total = grad + expected.permute(0, 2, 3, 1).flatten(1)
    torch.testing.assert_close(both.add(grad, values), total)
    torch.testing.assert_close(both.add_masked(grad, values), torch.where(values > 0, total, 0))


def test_stage_ends_are_the_last_taps_of_each_resolution_of_each_network() -> None:
    sizes = {"a.1": 8, "a.2": 8, "a.3": 4, "b.1": 8, "b.2": 2}
    taps = [Tap(name, (3, size, size)) for name, size in sizes.items()]
    assert stage_ends(taps) == {"a.2": 6, "a.3": 6, "b.1": 6, "b.2": 6}
    assert stage_ends([Tap("a.1", (5, 1, 1))]) == {"a.1": 5}


def test_groups_of_a_process_without_a_batch_have_every_tap() -> None:
    groups = (Covariance(CovarianceConfig()), Bank(BankConfig(count=4), 9))
    for group in groups:
        group.update({"a.1": torch.zeros(0, 5)}, np.empty(0, int))
    assert [tuple(part.shape) for part in groups[0].sums["a.1"]] == [(5,), (5, 5)]
    assert groups[1].vectors["a.1"].shape == (4, 5)


def vectors() -> dict[str, np.ndarray]:
    """The pooled features of all discs, float64."""
    network, discs = Taps32(), orange_discs()
    taps = network(torch.from_numpy(discs.astype(np.float32) / 255).permute(0, 3, 1, 2))
    ends = stage_ends(network.taps)
    pairs = zip(network.taps, taps, strict=True)
    return {tap.name: pool(t).vector.double().numpy() for tap, t in pairs if tap.name in ends}


def test_covariance_group_has_numpys_mean_and_principal_directions() -> None:
    group = real(Taps32(), orange_discs()).groups["covariance"]
    for tap, features in vectors().items():
        found = {name: group[f"{tap}/{name}"] for name in ("mean", "directions", "variances")}
        np.testing.assert_allclose(found["mean"], features.mean(0), rtol=1e-4, atol=1e-6)
        values = np.linalg.eigvalsh(np.cov(features.T))[::-1]
        largest = values[: len(found["variances"])]
        np.testing.assert_allclose(found["variances"], largest, rtol=1e-3, atol=1e-6 * values[0])
        directions = found["directions"].double().numpy()
        np.testing.assert_allclose(directions.T @ directions, np.eye(len(largest)), atol=1e-5)
        along = directions.T @ np.cov(features.T) @ directions
        np.testing.assert_allclose(along, np.diag(largest), atol=1e-4 * values[0])


@pytest.mark.parametrize("count", [20, 500])
def test_bank_has_pooled_features_of_drawn_images_each_once(count: int) -> None:
    network, discs = Taps32(), orange_discs()
    bank = Bank(BankConfig(count=count, seed=3), len(discs))
    expected = {name: torch.from_numpy(v).float() for name, v in vectors().items()}
    for part in np.array_split(np.arange(len(discs)), 5):
        bank.update({name: v[part] for name, v in expected.items()}, part)
    found, kept = bank.result(ALONE), min(count, len(discs))
    assert bank.describe() == {"count": kept, "seed": 3}
    drawn = np.random.default_rng(3).permutation(len(discs))[:kept]
    assert sorted(drawn) != list(drawn) and len(network.taps) >= len(found)
    for name, features in expected.items():
        assert torch.equal(found[f"{name}/vectors"], features[drawn])


def test_groups_survive_their_file(tmp_path: Path) -> None:
    before, path = real(Taps32(), orange_discs()), tmp_path / "s.safetensors"
    groups = {"covariance": Covariance(CovarianceConfig()), "bank": Bank(BankConfig(), 64)}
    metadata = {"groups": {name: group.describe() for name, group in groups.items()}}
    statistics.save(
        statistics.Statistics(metadata, before.mean, before.variance, before.groups), path
    )
    after = statistics.load(path)
    assert after.groups.keys() == {"covariance", "bank"} == before.groups.keys()
    for name, tensors in before.groups.items():
        assert after.groups[name].keys() == tensors.keys()
        assert all(torch.equal(after.groups[name][key], tensors[key]) for key in tensors)
    taps = Taps32().taps
    assert [part.tap for part in after.target(taps).covariance] == [0, 1, 2]
    assert [part.tap for part in after.target(taps[1:]).bank] == [0, 1]
