"""Pooled features, their gradient, and the groups of statistics made of them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from builders.training import Taps32, orange_discs, real
from torch import Tensor

from gfmn.features import statistics
from gfmn.features.extractor import Tap
from gfmn.features.groups import GROUPS, GroupConfigs, new_groups
from gfmn.features.groups.bank import Bank
from gfmn.features.groups.base import FittedConfig, scales
from gfmn.features.groups.landmarks import RIDGE
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
    asked = new_groups(GroupConfigs.parse({name: {} for name in GROUPS}, "groups"), 9)
    for group in asked.values():
        group.update({"a.1": torch.zeros(0, 5)}, np.empty(0, int))
        group.update({"a.1": torch.rand(9, 5)}, np.arange(9))
        names = {f"a.1/{name}" for name in type(group).Part.tensors()}
        assert group.result(ALONE).keys() == names


def vectors() -> dict[str, np.ndarray]:
    """The pooled features of all discs, float64."""
    network, discs = Taps32(), orange_discs()
    taps = network(torch.from_numpy(discs.astype(np.float32) / 255).permute(0, 3, 1, 2))
    ends = stage_ends(network.taps)
    pairs = zip(network.taps, taps, strict=True)
    return {tap.name: pool(t).vector.double().numpy() for tap, t in pairs if tap.name in ends}


def of_tap(real: statistics.Statistics, group: str, tap: str) -> dict[str, np.ndarray]:
    """A tap's part in a group, float64."""
    names = GROUPS[group].Part.tensors()
    return {name: real.groups[group][f"{tap}/{name}"].double().numpy() for name in names}


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


def test_covariance_group_of_few_images_has_only_directions_in_which_they_vary() -> None:
    few = real(Taps32(), orange_discs()[:4]).groups["covariance"]
    for name, variances in few.items():
        if name.endswith("/variances"):
            assert len(variances) <= 3 and variances[-1] > 1e-5 * variances[0]


@pytest.mark.parametrize("count", [20, 500])
def test_bank_has_pooled_features_of_drawn_images_each_once(count: int) -> None:
    network, discs = Taps32(), orange_discs()
    bank = Bank(FittedConfig(count=count, seed=3), len(discs))
    expected = {name: torch.from_numpy(v).float() for name, v in vectors().items()}
    for part in np.array_split(np.arange(len(discs)), 5):
        bank.update({name: v[part] for name, v in expected.items()}, part)
    found, kept = bank.result(ALONE), min(count, len(discs))
    assert bank.describe() == {"count": kept, "seed": 3, "floor": 0.1}
    drawn = np.random.default_rng(3).permutation(len(discs))[:kept]
    assert sorted(drawn) != list(drawn) and len(network.taps) >= len(found) / 2
    for name, features in expected.items():
        scale = found[f"{name}/scale"]
        torch.testing.assert_close(scale, scales(features[drawn], 0.1))
        assert torch.equal(found[f"{name}/vectors"], features[drawn] / scale)


def test_mixture_group_has_clusters_means_deviations_and_shares() -> None:
    measured = real(Taps32(), orange_discs())
    for tap, features in vectors().items():
        found = of_tap(measured, "mixture", tap)
        x = features / found["scale"]
        # The clusters are where each vector is nearest to its own one's mean.
        labels = ((x[:, None] - found["means"]) ** 2).sum(2).argmin(1)
        assert found["weights"].sum() == pytest.approx(1) and len(found["weights"]) <= 16
        moved = 0
        for k, weight in enumerate(found["weights"]):
            own = x[labels == k]
            moved += abs(len(own) - weight * len(x))
            mean = own.mean(0) if len(own) else found["means"][k]
            assert np.linalg.norm(mean - found["means"][k]) < 0.2 * np.linalg.norm(x.std(0))
        assert moved <= 4  # of 64: the last round of k-means may not have been the last possible


def test_landmarks_group_has_the_mean_kernel_at_every_landmark() -> None:
    """At the landmarks Nyström's projection is the mean embedding itself."""
    measured = real(Taps32(), orange_discs())
    for tap, features in vectors().items():
        found = of_tap(measured, "landmarks", tap)
        x = features / found["scale"]

        def kernel(a: np.ndarray, b: np.ndarray, lengths: np.ndarray) -> np.ndarray:
            squares = ((a[:, None] - b) ** 2).sum(2)[..., None]
            return (1 / (1 + squares / (2 * lengths**2))).mean(2)

        points, lengths = found["points"], found["bandwidths"]
        typical = np.sqrt(((points[:, None] - x) ** 2).sum(2).mean())
        np.testing.assert_allclose(lengths, typical * np.array([0.25, 0.5, 1]), rtol=1e-3)
        expected = kernel(points, x, lengths).mean(1)
        np.testing.assert_allclose(
            kernel(points, points, lengths) @ found["weights"], expected, atol=30 * RIDGE
        )


def test_quantiles_group_has_numpys_quantiles_along_unit_directions() -> None:
    measured = real(Taps32(), orange_discs())
    for tap, features in vectors().items():
        found = of_tap(measured, "quantiles", tap)
        np.testing.assert_allclose(np.linalg.norm(found["directions"], axis=0), 1, rtol=1e-5)
        places = features / found["scale"] @ found["directions"]
        levels = (np.arange(256) + 0.5) / 256
        np.testing.assert_allclose(found["values"], np.quantile(places, levels, axis=0), atol=1e-4)


@pytest.mark.parametrize("floor", [0.1, 0.5])
def test_scales_are_deviations_over_a_floor(floor: float) -> None:
    values = np.random.default_rng(0).normal(size=(50, 4)) * [0, 1, 2, 3]
    deviations = values.std(0, ddof=1)
    expected = deviations + floor * deviations.mean()
    np.testing.assert_allclose(scales(torch.from_numpy(values), floor), expected)


def labeled() -> tuple[statistics.Statistics, np.ndarray]:
    """Statistics of the discs with classes, and the classes: large, middling and small ones."""
    discs = orange_discs()
    sizes = (discs[..., 0] > 100).sum((1, 2))
    labels = np.digitize(sizes, np.quantile(sizes, [0.5, 0.8]))
    return real(Taps32(), discs, labels), labels


def test_classes_are_columns_of_the_weight_that_is_asked_for() -> None:
    found, labels = labeled()
    drawn = np.random.default_rng(0).permutation(len(labels))
    for tap, features in vectors().items():
        x, width = found.groups["bank"][f"{tap}/vectors"].double().numpy(), features.shape[1]
        expected = 2.0 * np.sqrt(width) * np.eye(3)[labels[drawn]]
        np.testing.assert_allclose(x[:, width:], expected, rtol=1e-5)
        plain = real(Taps32(), orange_discs()).groups["bank"][f"{tap}/vectors"]
        np.testing.assert_array_equal(x[:, :width].astype(np.float32), plain)


def test_covariance_with_classes_whitens_features_and_classes_together() -> None:
    found, labels = labeled()
    for tap, features in vectors().items():
        group = of_tap(found, "covariance", tap)
        both = np.concatenate((features, np.eye(3)[labels]), 1)
        y = (both - group["mean"]) @ group["directions"]
        expected, largest = np.diag(group["variances"]), group["variances"][0]
        np.testing.assert_allclose(np.cov(y.T), expected, atol=1e-4 * largest)
        # Images whose classes were exchanged have the same features and the same classes.
        mixed = np.concatenate((features, np.eye(3)[np.roll(labels, 7)]), 1)
        other = np.cov(((mixed - group["mean"]) @ group["directions"]).T)
        assert abs(other - expected).max() > 0.02 * largest


def test_groups_survive_their_file(tmp_path: Path) -> None:
    before, path = real(Taps32(), orange_discs()), tmp_path / "s.safetensors"
    metadata = {"groups": {name: {"count": 64} for name in GROUPS}, "n": 1}
    statistics.save(
        statistics.Statistics(metadata, before.mean, before.variance, before.groups), path
    )
    after = statistics.load(path)
    assert after.groups.keys() == GROUPS.keys() == before.groups.keys()
    for name, tensors in before.groups.items():
        assert after.groups[name].keys() == tensors.keys()
        assert all(torch.equal(after.groups[name][key], tensors[key]) for key in tensors)
    taps = Taps32().taps
    assert [part.tap for part in after.target(taps).groups["covariance"]] == [0, 1, 2]
    assert [part.tap for part in after.target(taps[1:]).groups["bank"]] == [0, 1]
