"""Every objective's closed-form gradient against autograd through a plain implementation."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from builders.compilation import eager_and_compiled
from builders.tiny_network import TinyNetwork

from benchmarks import plain
from gfmn.features.target import Target
from gfmn.networks.rows import from_rows
from gfmn.training.objectives import OBJECTIVES, Groups, Objective, build
from gfmn.training.objectives.adam_moving_average import AMAConfig


def objective(name: str, target: Target, **groups: object):
    return build(name, target, Groups(**groups))


def gradients(objective: Objective, taps: list[torch.Tensor]) -> list[torch.Tensor]:
    """A step's gradient by each tap, written out."""
    return [part.evaluate(tap) for tap, part in zip(taps, objective(taps), strict=True)]


def plain_order(target: Target, vector: torch.Tensor) -> torch.Tensor:
    """A vector in the layout's order (channels last) as the plain code's (channels first)."""
    parts = zip(target.layout.slices(), target.layout.shapes, strict=True)
    return torch.cat([from_rows(vector[p][None], shape).flatten() for p, shape in parts])


PLAIN: dict[str, Callable[[torch.Tensor, torch.Tensor, list[int]], plain.PlainLoss]] = {
    "l2": lambda mean, variance, sizes: plain.PlainLoss(mean, variance),
    "ma": lambda mean, variance, sizes: plain.MovingAverage(mean, variance, 0.05),
    "ama": lambda mean, variance, sizes: plain.AdamMovingAverage(mean, variance, 5e-5),
    "moment_matching": lambda *moments: plain.MomentMatching(*moments, 0.95, 0.1),
}


@pytest.mark.parametrize("name", PLAIN)
def test_gradient_equals_autograds_of_a_plain_implementation(
    name: str, network: TinyNetwork, target: Target
) -> None:
    ours = objective(name, target)
    mean, variance = (plain_order(target, v) for v in (target.mean, target.variance))
    theirs = PLAIN[name](mean, variance, target.layout.sizes)
    for step in range(5):
        images = torch.rand(16, 3, 8, 8, generator=torch.Generator().manual_seed(step))
        images.requires_grad_()
        taps = network(images)
        torch.autograd.backward(taps, gradients(ours, taps))
        got, images.grad = images.grad, None
        theirs(plain.concatenate(network(images))).backward()
        assert images.grad is not None and got is not None
        # Near-dead features cancel in float32; the plain `moment_matching` computes in float64.
        relative = 5e-4 if name == "moment_matching" else 1e-5
        close = relative * float(images.grad.abs().max())
        torch.testing.assert_close(got, images.grad, rtol=1e-4, atol=close)


PROBE = """
import torch
from gfmn.features.moments import Layout
from gfmn.features.target import Target
from gfmn.training.objectives import Groups, build

torch.manual_seed(0)
layout, found = Layout(((6, 8, 8), (10, 4, 4), (5, 2, 2))), []
target = Target(layout, torch.randn(layout.features), torch.rand(layout.features) + 0.1)
for name in ("ama", "l2", "ma", "moment_matching"):
    objective = build(name, target, Groups())
    for _ in range(3):
        taps = [torch.randn(8, *shape) for shape in layout.shapes]
        taps = [tap.to(memory_format=torch.channels_last) for tap in taps]
        found += [part.evaluate(tap) for part, tap in zip(objective(taps), taps, strict=True)]
    found.append(torch.tensor(objective.monitor.gaps()))
"""


def test_compiled_objectives_equal_eager_ones_in_few_graphs(tmp_path: Path) -> None:
    for eager, compiled in eager_and_compiled(PROBE, tmp_path, graphs=11):
        close = 1e-5 * float(eager.abs().max())
        torch.testing.assert_close(compiled, eager, rtol=1e-4, atol=close)


def test_ama_with_published_settings_follows_torchs_adam(
    network: TinyNetwork, target: Target
) -> None:
    settings = AMAConfig(rate=1e-3, beta1=0.5, reduction="mean", init="uniform")
    ours = objective("ama", target, ama=settings)
    start = torch.stack([ours.first.mean.value, ours.first.variance.value])
    bound = target.layout.features**-0.5
    assert 0.9 * bound < start.abs().max() <= bound
    v = [torch.nn.Parameter(row.clone()) for row in start]
    adams = [torch.optim.Adam([p], lr=1e-3, betas=(0.5, 0.999), eps=1e-8) for p in v]
    for step in range(4):
        images = torch.rand(12, 3, 8, 8, generator=torch.Generator().manual_seed(step))
        taps = network(images)
        ours(taps)
        flat = torch.cat([tap.permute(0, 2, 3, 1).flatten(1) for tap in taps], 1)
        deltas = (target.mean - flat.mean(0), target.variance - flat.var(0))
        for parameter, adam, delta in zip(v, adams, deltas, strict=True):
            adam.zero_grad()
            torch.nn.functional.mse_loss(parameter, delta).backward()
            adam.step()
    for row, parameter in zip((ours.first.mean.value, ours.first.variance.value), v, strict=True):
        torch.testing.assert_close(row, parameter.detach(), rtol=1e-4, atol=1e-7)


def test_ama_defaults_are_section_2_2s() -> None:
    config = AMAConfig()
    assert (config.beta1, config.beta2, config.eps) == (0.9, 0.999, 1e-8)
    assert (config.init, config.reduction) == ("zero", "sum")


@pytest.mark.parametrize("name", PLAIN)
def test_loss_is_equation_1_of_the_batch_when_batches_repeat(
    name: str, network: TinyNetwork, target: Target
) -> None:
    ours = objective(name, target)
    taps = network(torch.rand(32, 3, 8, 8, generator=torch.Generator().manual_seed(0)))
    for _ in range(3):
        ours(taps)
    flat = torch.cat([tap.permute(0, 2, 3, 1).flatten(1) for tap in taps], 1)
    mean = (target.mean - flat.mean(0)).square().sum()
    variance = (target.variance - flat.var(0)).square().sum()
    assert ours.monitor.loss() == pytest.approx(float(mean + variance), rel=1e-4)


def test_moment_matching_gradient_is_zero_where_moments_match(network: TinyNetwork) -> None:
    taps = network(torch.rand(64, 3, 8, 8))
    flat = torch.cat([tap.permute(0, 2, 3, 1).flatten(1) for tap in taps], 1)
    target = Target(network.layout, flat.mean(0), flat.var(0, correction=0))
    other = network(torch.rand(64, 3, 8, 8) * 0.3)
    matched = max(g.abs().max() for g in gradients(objective("moment_matching", target), taps))
    unmatched = max(g.abs().max() for g in gradients(objective("moment_matching", target), other))
    assert matched < 1e-3 * unmatched


def test_moment_matching_ignores_the_scale_of_each_tap(
    network: TinyNetwork, target: Target
) -> None:
    taps = network(torch.rand(16, 3, 8, 8))
    factors = (1000.0, 0.01, 1.0)
    scale = torch.cat(
        [torch.full((s,), f) for s, f in zip(target.layout.sizes, factors, strict=True)]
    )
    scaled = Target(target.layout, target.mean * scale, target.variance * scale**2)
    plain_gradients = gradients(objective("moment_matching", target), taps)
    scaled_taps = [tap * f for tap, f in zip(taps, factors, strict=True)]
    found = gradients(objective("moment_matching", scaled), scaled_taps)
    for ours, theirs, factor in zip(found, plain_gradients, factors, strict=True):
        close = 1e-4 * float(theirs.abs().max())
        torch.testing.assert_close(ours * factor, theirs, rtol=1e-3, atol=close)


def test_gradient_keeps_each_taps_precision(target: Target) -> None:
    images = torch.rand(32, 3, 8, 8)
    wide = gradients(objective("l2", target), TinyNetwork()(images))
    narrow = gradients(objective("l2", target), TinyNetwork(torch.bfloat16)(images))
    for a, b in zip(wide, narrow, strict=True):
        assert a.dtype == torch.float32 and b.dtype == torch.bfloat16
        assert float((a - b.float()).norm() / a.norm()) < 0.05


def test_normalized_ama_is_ama_of_features_divided_by_their_scale(
    network: TinyNetwork, target: Target
) -> None:
    """Dividing the features first, in plain code, gives the same gradient by them."""
    ours = objective("ama", target, ama=AMAConfig(rate=1e-2, normalize="std"))
    mean, variance = (plain_order(target, v).double() for v in (target.mean, target.variance))
    sigma = variance.sqrt()
    sizes = target.layout.sizes
    unit = torch.cat([part + 0.1 * part.mean() for part in sigma.split(sizes)])
    theirs = plain.AdamMovingAverage(mean / unit, variance / unit.square(), 1e-2)
    for step in range(5):
        images = torch.rand(16, 3, 8, 8, generator=torch.Generator().manual_seed(step))
        taps = [tap.detach() for tap in network(images)]
        got = torch.cat([part.flatten(1) for part in gradients(ours, taps)], 1)
        features = plain.concatenate(taps).double().requires_grad_()
        theirs(features / unit).backward()
        assert features.grad is not None
        close = 1e-4 * float(features.grad.abs().max())
        torch.testing.assert_close(got.double(), features.grad, rtol=1e-3, atol=close)


def test_every_registered_objective_has_a_plain_implementation() -> None:
    assert PLAIN.keys() == {name for name, cls in OBJECTIVES.items() if not cls.needs}
