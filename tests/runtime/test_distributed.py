"""Several processes give what one gives; run as a script, this file is one of those processes."""

import functools
import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from gfmn import generators
from gfmn.features.moments import MergedMoments
from gfmn.features.statistics import merge_over
from gfmn.generators import sampling
from gfmn.generators.noise import Purpose, noise
from gfmn.runtime.distributed import ALONE, World, launch, under_torchrun, world
from gfmn.runtime.synced_batchnorm import SyncedBatchNorm2d, synchronise

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
    centres = torch.linspace(-20, 20, 5)[:, None, None]
    batches = [draws[0] * 2 + centres, draws[1] + centres]
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


def shard(size: int, rank: int) -> np.ndarray:
    """Rows of which rank 1 of 3 has none, N x 6 float64 about 1000."""
    rows = np.random.default_rng(4).normal(1000, 1, (11, 6))
    return np.split(rows, [4] if size == 2 else [4, 4])[rank]


def merge_rows(rows: np.ndarray) -> MergedMoments:
    merged = MergedMoments(rows.shape[1])
    for row in torch.from_numpy(rows):
        merged.merge(1, row, torch.zeros_like(row))
    return merged


def worker(folder: Path) -> None:
    """What every rank does and leaves in a file for the tests."""
    found: dict[str, Any] = {}
    with world() as here:
        for name, options in NORMS.items():
            batches = [
                (x.split(split)[here.rank], dy.split(split)[here.rank])
                for (x, dy), split in zip(norm_inputs(name), SPLITS[here.size], strict=True)
            ]
            norm = nn.BatchNorm2d(5, **options)
            synchronise(nn.Sequential(norm), here)
            found[name] = run_norm(norm, batches)
            here.sum_(*found[name]["gradients"])

        mine = slice(here.share(IMAGES).start, here.share(IMAGES).stop)
        for activation in GRADIENT_ERRORS:
            generator, z, cotangents = generator_inputs(activation)
            synchronise(generator, here)
            found[activation] = gradients(generator, z[mine], cotangents[mine])
            here.sum_(*found[activation])
        before = {key: value.clone() for key, value in generator.state_dict().items()}
        found["sampled"] = sampled(generator, z[mine])
        after = generator.state_dict()
        found["untouched"] = all(torch.equal(after[key], before[key]) for key in before)

        merged = merge_over(here, merge_rows(shard(here.size, here.rank)))
        found["merged"] = merged.count, merged.mean, merged.squares

        rank = torch.tensor(here.rank)
        strided = torch.full((2, 3), here.rank + 1.0).T
        integers = torch.full((2,), here.rank)
        here.sum_(strided, integers)
        found["sums"] = strided, integers
        found["gathered"] = here.gather(rank), here.gather(strided + rank)
        state = [torch.full((3, 2), here.rank + 1.0), integers + rank, strided * rank]
        here.broadcast_(*state, source=here.size - 1)
        found["broadcast"] = state
        found["any"] = here.any(here.rank == here.size - 1), here.any(False)
        found["chosen"] = here.choose(("a", "b", "c"), lambda: "b" if here.is_main else "c")
        here.barrier()
        found["device"], found["share"] = str(here.device), list(here.share(IMAGES))
    found["left"] = not dist.is_initialized()
    try:
        with world():
            raise RuntimeError("an error inside")
    except RuntimeError:
        found["left on errors"] = not dist.is_initialized()
    torch.save(found, folder / f"{here.rank}.pt")


Ranks = list[dict[str, Any]]


@pytest.fixture(scope="module", params=[2, 3])
def ranks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ranks:
    """What the ranks of a world of 2, then of 3, found."""
    folder, size = tmp_path_factory.mktemp("ranks"), request.param
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        assert launch(size, __file__, str(folder)) == 0
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(size)]


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
def test_a_synced_batch_norm_over_uneven_ranks_is_batch_norm_of_the_whole_batch(
    name: str, ranks: Ranks
) -> None:
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
def test_a_synced_batch_norm_evaluates_as_the_plain_one(name: str, ranks: Ranks) -> None:
    norm = nn.BatchNorm2d(5, **NORMS[name])
    norm.load_state_dict(ranks[0][name]["state"])
    found = joined(ranks, name, "evaluated")
    x = norm_inputs(name)[0][0]
    if name == "untracked":  # normalises by the whole batch's statistics in every mode
        assert distance(found, norm.double()(x.double())) < 3e-6
    else:
        assert torch.equal(found, norm.eval()(x))


@pytest.mark.parametrize("activation", GRADIENT_ERRORS)
def test_the_summed_gradients_of_a_shared_batch_are_those_of_one_process(
    activation: str, ranks: Ranks
) -> None:
    alone = gradients(*generator_inputs(activation))
    generator, z, cotangents = generator_inputs(activation)
    exact = gradients(generator.double(), z.double(), cotangents.double())
    for found in ranks:
        for mine, single, true in zip(found[activation], alone, exact, strict=True):
            assert distance(mine, single) < GRADIENT_ERRORS[activation]
            assert distance(mine, true) < GRADIENT_ERRORS[activation]
        assert all(map(torch.equal, found[activation], ranks[0][activation]))


def test_sampling_by_batch_statistics_spans_the_ranks_and_leaves_no_trace(ranks: Ranks) -> None:
    generator, z, _ = generator_inputs("relu")
    torch.testing.assert_close(joined(ranks, "sampled"), sampled(generator, z))
    assert all(found["untouched"] for found in ranks)


def test_merged_moments_over_ranks_are_those_of_the_whole_to_the_same_bits(ranks: Ranks) -> None:
    size = len(ranks)
    whole = np.concatenate([shard(size, rank) for rank in range(size)])
    for found in ranks:
        count, mean, squares = found["merged"]
        assert count == len(whole)
        np.testing.assert_allclose(mean, whole.mean(0), rtol=1e-14)
        np.testing.assert_allclose(squares / (count - 1), whole.var(0, ddof=1), rtol=1e-10)
        assert torch.equal(mean, ranks[0]["merged"][1])
        assert torch.equal(squares, ranks[0]["merged"][2])


def test_sums_gathers_broadcasts_any_and_choose_span_the_ranks(ranks: Ranks) -> None:
    size = len(ranks)
    total = size * (size + 1) / 2
    for rank, found in enumerate(ranks):
        strided, integers = found["sums"]
        assert torch.equal(strided, torch.full((3, 2), total))
        assert torch.equal(integers, torch.full((2,), size * (size - 1) // 2))
        numbers, matrices = found["gathered"]
        assert [int(number) for number in numbers] == list(range(size))
        assert [float(matrix[2, 1]) for matrix in matrices] == [total + r for r in range(size)]
        last = [size, size * (size - 1) // 2 + size - 1, total * (size - 1)]
        assert [float(tensor.flatten()[-1]) for tensor in found["broadcast"]] == last
        assert found["any"] == (True, False) and found["chosen"] == "b"
        assert found["device"] == ("cuda:" + str(rank) if torch.cuda.is_available() else "cpu")
        assert found["left"] and found["left on errors"]
    assert [i for found in ranks for i in found["share"]] == list(range(IMAGES))


@given(count=st.integers(0, 10**7), size=st.integers(1, 100))
def test_shares_partition_any_count_in_order_and_differ_by_at_most_one(
    count: int, size: int
) -> None:
    shares = [World(rank, size).share(count) for rank in range(size)]
    assert shares[0].start == 0 and shares[-1].stop == count
    assert all(a.stop == b.start for a, b in itertools.pairwise(shares))
    sizes = {len(share) for share in shares}
    assert max(sizes) - min(sizes) <= 1


def test_outside_torchrun_the_world_is_one_process_without_a_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    assert not under_torchrun()
    with world() as here:
        assert (here.rank, here.size, here.is_main) == (0, 1, True)
        assert not dist.is_initialized()
        tensor = torch.arange(3.0)
        here.sum_(tensor)
        here.broadcast_(tensor)
        here.barrier()
        assert torch.equal(here.gather(tensor)[0], torch.arange(3.0))
        assert here.any(True) and not here.any(False)
        merged = merge_rows(np.ones((2, 3)))
        assert merge_over(here, merged) is merged
        norm = nn.BatchNorm2d(3)
        assert type(synchronise(norm, here)) is nn.BatchNorm2d
    for name, value in (("RANK", "0"), ("WORLD_SIZE", "1"), ("LOCAL_RANK", "0")):
        monkeypatch.setenv(name, value)
    assert under_torchrun()
    with world() as here:
        assert here.size == 1 and not dist.is_initialized()


@pytest.mark.parametrize("name", ["dcgan", "resnet"])
def test_plain_and_synced_generators_load_each_others_state(name: str) -> None:
    plain = generators.build(name, 32, LATENT)
    synced = synchronise(generators.build(name, 32, LATENT), World(1, 3))
    norms = [type(m) for m in synced.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms and set(norms) == {SyncedBatchNorm2d}
    assert list(synced.state_dict()) == list(plain.state_dict())
    synced.load_state_dict(plain.state_dict(), strict=True)
    plain.load_state_dict(synced.state_dict(), strict=True)
    z = torch.randn(2, LATENT)
    assert torch.equal(synced.eval()(z), plain.eval()(z))


def test_a_synced_batch_norm_alone_is_the_plain_one() -> None:
    assert SyncedBatchNorm2d.world is ALONE
    plain, synced = nn.BatchNorm2d(5), SyncedBatchNorm2d(5)
    found, exact = (run_norm(norm, norm_inputs("usual")) for norm in (synced, plain))
    assert all(map(torch.equal, found["outputs"], exact["outputs"]))


if __name__ == "__main__":
    worker(Path(sys.argv[1]))
