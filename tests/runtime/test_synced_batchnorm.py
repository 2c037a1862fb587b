"""Synced batch norm over several processes against batch norm of the whole batch.

Run as a script, this file is one of those processes.
"""

import functools
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from builders.ranks import run_ranks
from torch import Tensor, nn

from gfmn import generators
from gfmn.generators import sampling
from gfmn.generators.noise import Purpose, noise
from gfmn.runtime.distributed import ALONE, World, world
from gfmn.runtime.synced_batchnorm import SyncedBatchNorm2d, synchronize

# Samples of each rank in two successive batches: uneven, and one rank has none at all.
SPLITS = {2: ((5, 2), (1, 6)), 3: ((4, 1, 2), (3, 0, 4))}
NORMS: dict[str, dict[str, Any]] = {
    "usual": {},
    "cumulative": {"momentum": None},
    "untracked": {"track_running_stats": False},
    "not affine": {"affine": False},
    "bf16": {},
}
IMAGES, LATENT = 13, 16  # images that neither 2 nor 3 divides
# Of the summed gradients, relative: rounding, and the jump where a value at ReLU's kink rounds to
# the other side of it, which a single process's gradient makes against float64 just the same.
GRADIENT_ERRORS = {"smooth": 1e-5, "relu": 1e-2}


def norm_inputs(name: str) -> list[tuple[Tensor, Tensor]]:
    """Two batches and their output gradients, 7 x 5 x 4 x 3, with means far from 0."""
    generator = torch.Generator().manual_seed(len(name))
    dtype = torch.bfloat16 if name == "bf16" else torch.float32
    draws = [torch.randn(7, 5, 4, 3, generator=generator) for _ in range(4)]
    centers = torch.linspace(-20, 20, 5)[:, None, None]
    batches = [draws[0] * 2 + centers, draws[1] + centers]
    pairs = zip(batches, draws[2:], strict=True)
    form = torch.channels_last
    return [(x.to(dtype, memory_format=form), dy.to(dtype, memory_format=form)) for x, dy in pairs]


def run_norm(norm: nn.BatchNorm2d, batches: list[tuple[Tensor, Tensor]]) -> dict[str, Any]:
    """Two training steps and one evaluation of a norm, and all that came of them."""
    if norm.affine:
        with torch.no_grad():
            norm.weight.copy_(torch.linspace(0.5, 2, 5))
            norm.bias.copy_(torch.linspace(-1, 1, 5))
    found: dict[str, Any] = {"outputs": [], "input gradients": []}
    for batch, dy in batches:
        x = batch.clone().requires_grad_()
        y = norm(x)
        y.backward(dy)
        assert x.grad is not None
        assert y.is_contiguous(memory_format=torch.channels_last)
        assert x.grad.is_contiguous(memory_format=torch.channels_last)
        found["outputs"].append(y.detach())
        found["input gradients"].append(x.grad)
    found["gradients"] = [p.grad for p in norm.parameters()]
    found["state"] = dict(norm.state_dict())
    norm.eval()
    found["evaluated"] = norm(batches[0][0]).detach()
    return found


def generator_inputs(activation: str) -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(1)
    generator = generators.build("dcgan", 32, LATENT)
    for block in generator.modules():
        if activation == "smooth" and isinstance(block, nn.Sequential):
            block[-1] = nn.SiLU() if isinstance(block[-1], nn.ReLU) else block[-1]
    z = noise(0, Purpose.TRAINING, 0, IMAGES, LATENT)
    return generator, z, torch.randn(IMAGES, 3, 32, 32)


def gradients(generator: nn.Module, z: Tensor, cotangents: Tensor) -> list[Tensor]:
    generator(z).backward(cotangents)
    return [p.grad for p in generator.parameters() if p.grad is not None]


@torch.inference_mode()
def sampled(generator: nn.Module, z: Tensor) -> Tensor:
    with sampling._mode(generator, "batch"):
        images: Tensor = generator(z)
    return images


def worker(folder: Path) -> None:
    """What every rank does and leaves in a file for the tests."""
    found: dict[str, Any] = {}
    with world() as here:
        for name, options in NORMS.items():
            batches = [
                (x.split(split)[here.rank], dy.split(split)[here.rank])
                for (x, dy), split in zip(norm_inputs(name), SPLITS[here.size], strict=True)
            ]
            norm = synchronize(nn.BatchNorm2d(5, **options), here)
            found[name] = run_norm(norm, batches)
            here.sum_(*found[name]["gradients"])

        shard = slice(here.shard(IMAGES).start, here.shard(IMAGES).stop)
        for activation in GRADIENT_ERRORS:
            generator, z, cotangents = generator_inputs(activation)
            synchronize(generator, here)
            found[activation] = gradients(generator, z[shard], cotangents[shard])
            here.sum_(*found[activation])
        before = {key: value.clone() for key, value in generator.state_dict().items()}
        found["sampled"] = sampled(generator, z[shard])
        after = generator.state_dict()
        found["untouched"] = all(torch.equal(after[key], before[key]) for key in before)
    torch.save(found, folder / f"{here.rank}.pt")


Ranks = list[dict[str, Any]]


@pytest.fixture(scope="module", params=[2, 3])
def ranks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ranks:
    """What the ranks of a world of 2, then of 3, found."""
    return run_ranks(request.param, __file__, tmp_path_factory.mktemp("ranks"))


def joined(ranks: Ranks, *keys: Any) -> Tensor:
    """What all ranks found under `keys`, in rank order along the batch."""
    return torch.cat([functools.reduce(lambda value, key: value[key], keys, f) for f in ranks])


@torch.no_grad()
def distance(found: Tensor, exact: Tensor) -> float:
    """The error's norm over the exact value's."""
    exact = exact.double()
    return float((found.double() - exact).norm() / exact.norm().clamp_min(1e-30))


# Relative to the tensor's norm: rounding of float32, or of the outputs and gradients in bf16.
@pytest.mark.parametrize("name", NORMS)
def test_synced_norm_of_uneven_ranks_is_that_of_the_whole_batch(name: str, ranks: Ranks) -> None:
    norm = nn.BatchNorm2d(5, **NORMS[name]).double()
    exact = run_norm(norm, [(x.double(), dy.double()) for x, dy in norm_inputs(name)])
    tolerance = 3e-3 if name == "bf16" else 3e-6
    for key in ("outputs", "input gradients"):
        for step in range(2):
            found = joined(ranks, name, key, step)
            assert found.dtype == norm_inputs(name)[0][0].dtype
            assert distance(found, exact[key][step]) < tolerance, key
    for found in ranks:
        for mine, whole in zip(found[name]["gradients"], exact["gradients"], strict=True):
            assert distance(mine, whole) < 3e-6
        assert found[name]["state"].keys() == exact["state"].keys()
        for key, value in exact["state"].items():
            assert distance(found[name]["state"][key], value) < 1e-6, key
            assert torch.equal(found[name]["state"][key], ranks[0][name]["state"][key])


@pytest.mark.parametrize("name", NORMS)
def test_synced_norm_evaluates_as_the_plain_one(name: str, ranks: Ranks) -> None:
    norm = nn.BatchNorm2d(5, **NORMS[name])
    norm.load_state_dict(ranks[0][name]["state"])
    found = joined(ranks, name, "evaluated")
    x = norm_inputs(name)[0][0]
    if name == "untracked":  # normalizes by the whole batch's statistics in every mode
        assert distance(found, norm.double()(x.double())) < 3e-6
    else:
        assert torch.equal(found, norm.eval()(x))


@pytest.mark.parametrize("activation", GRADIENT_ERRORS)
def test_summed_gradients_of_shards_are_those_of_one_process(activation: str, ranks: Ranks) -> None:
    alone = gradients(*generator_inputs(activation))
    generator, z, cotangents = generator_inputs(activation)
    exact = gradients(generator.double(), z.double(), cotangents.double())
    for found in ranks:
        for mine, single, true in zip(found[activation], alone, exact, strict=True):
            assert distance(mine, single) < GRADIENT_ERRORS[activation]
            assert distance(mine, true) < GRADIENT_ERRORS[activation]
        assert all(map(torch.equal, found[activation], ranks[0][activation]))


def test_sampling_by_batch_statistics_spans_the_ranks(ranks: Ranks) -> None:
    generator, z, _ = generator_inputs("relu")
    torch.testing.assert_close(joined(ranks, "sampled"), sampled(generator, z))
    assert all(found["untouched"] for found in ranks)


@pytest.mark.parametrize("name", ["dcgan", "resnet"])
def test_plain_and_synced_generators_load_each_others_state(name: str) -> None:
    plain = generators.build(name, 32, LATENT)
    synced = synchronize(generators.build(name, 32, LATENT), World(1, 3))
    norms = [type(m) for m in synced.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms and set(norms) == {SyncedBatchNorm2d}
    assert list(synced.state_dict()) == list(plain.state_dict())
    synced.load_state_dict(plain.state_dict(), strict=True)
    plain.load_state_dict(synced.state_dict(), strict=True)
    z = torch.randn(2, LATENT)
    assert torch.equal(synced.eval()(z), plain.eval()(z))


def test_synced_norm_alone_is_the_plain_one() -> None:
    assert SyncedBatchNorm2d.world is ALONE
    plain, synced = nn.BatchNorm2d(5), SyncedBatchNorm2d(5)
    found, exact = (run_norm(norm, norm_inputs("usual")) for norm in (synced, plain))
    assert all(map(torch.equal, found["outputs"], exact["outputs"]))


def test_synchronize_keeps_parameters_buffers_and_mode() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4, eps=1e-3, momentum=None)).eval()
    before = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    assert synchronize(network, World(0, 2)) is network
    after = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    assert list(after) == list(before)
    assert all(after[name] is value for name, value in before.items())
    norm = network[1]
    assert isinstance(norm, SyncedBatchNorm2d) and not norm.training
    assert (norm.eps, norm.momentum, norm.world.size) == (1e-3, None, 2)


def test_synchronize_in_a_world_of_one_changes_nothing() -> None:
    norm = nn.BatchNorm2d(3)
    assert synchronize(norm, ALONE) is norm


if __name__ == "__main__":
    worker(Path(sys.argv[1]))
