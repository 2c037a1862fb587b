"""Several processes compute what one computes; as a script, this file is one of them."""

import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist
from builders.ranks import run_ranks
from hypothesis import given
from hypothesis import strategies as st

from gfmn.features.moments import MergedMoments
from gfmn.features.statistics import merge_over
from gfmn.runtime.distributed import World, under_torchrun, world

SAMPLES = 13  # which neither 2 nor 3 divides


def rows_of(size: int, rank: int) -> np.ndarray:
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
        merged = merge_over(here, merge_rows(rows_of(here.size, here.rank)))
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
        found["device"], found["shard"] = str(here.device), list(here.shard(SAMPLES))
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
    return run_ranks(request.param, __file__, tmp_path_factory.mktemp("ranks"))


def test_merge_over_ranks_gives_the_moments_of_the_whole(ranks: Ranks) -> None:
    size = len(ranks)
    whole = np.concatenate([rows_of(size, rank) for rank in range(size)])
    for found in ranks:
        count, mean, squares = found["merged"]
        assert count == len(whole)
        np.testing.assert_allclose(mean, whole.mean(0), rtol=1e-14)
        np.testing.assert_allclose(squares / (count - 1), whole.var(0, ddof=1), rtol=1e-10)
        assert torch.equal(mean, ranks[0]["merged"][1])
        assert torch.equal(squares, ranks[0]["merged"][2])


def test_collectives_span_the_ranks(ranks: Ranks) -> None:
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
    assert [i for found in ranks for i in found["shard"]] == list(range(SAMPLES))


@given(count=st.integers(0, 10**7), size=st.integers(1, 100))
def test_shards_partition_any_count_and_differ_by_at_most_one(count: int, size: int) -> None:
    shards = [World(rank, size).shard(count) for rank in range(size)]
    assert shards[0].start == 0 and shards[-1].stop == count
    assert all(a.stop == b.start for a, b in itertools.pairwise(shards))
    sizes = {len(shard) for shard in shards}
    assert max(sizes) - min(sizes) <= 1


def test_world_outside_torchrun_is_one_process_without_a_group(
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
    for name, value in (("RANK", "0"), ("WORLD_SIZE", "1"), ("LOCAL_RANK", "0")):
        monkeypatch.setenv(name, value)
    assert under_torchrun()
    with world() as here:
        assert here.size == 1 and not dist.is_initialized()


if __name__ == "__main__":
    worker(Path(sys.argv[1]))
