"""Statistics of shards: against one array of the same images, merged, resumed, by processes."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from builders.ranks import run_ranks
from builders.shards import config, images, write_shards
from builders.tiny_network import TinyNetwork
from builders.training import real
from hypothesis import given, settings
from hypothesis import strategies as st

from gfmn.common.errors import InputError
from gfmn.features import statistics
from gfmn.features.statistics import Statistics
from gfmn.shards import dataset
from gfmn.shards.dataset import ShardedDataset
from gfmn.shards.measure import add, measure
from gfmn.shards.results import merge
from gfmn.shards.state import State

PARTS = [images(count, seed, 8) for seed, count in enumerate((20, 33, 2, 40))]
LABELS = [np.arange(len(part)) * (i + 1) % 3 for i, part in enumerate(PARTS)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def bytes_of(found: Statistics, path: Path) -> bytes:
    statistics.save(found, path)
    return path.read_bytes()


def some(data: ShardedDataset, numbers: list[int]) -> ShardedDataset:
    """The data set of some of the shards, by name that of all."""
    return replace(data, shards=tuple(data.shards[i] for i in numbers))


def found_of(data: ShardedDataset, **changes: object) -> Statistics:
    return measure("d-e-eval", data, TinyNetwork(), config(**changes), "row")[0]  # type: ignore[arg-type]


@pytest.mark.parametrize("labels", [None, LABELS])
def test_shards_have_the_statistics_of_one_array(
    folder: Path, labels: list[np.ndarray] | None
) -> None:
    weight = 2.0 if labels else 0.0
    found = found_of(write_shards(folder / "s", PARTS, labels), class_weight=weight)
    whole = None if labels is None else np.concatenate(labels)
    one = real(TinyNetwork(), np.concatenate(PARTS), whole)
    for name in one.mean:
        torch.testing.assert_close(found.mean[name], one.mean[name], rtol=1e-6, atol=1e-7)
        torch.testing.assert_close(found.variance[name], one.variance[name], rtol=1e-5, atol=1e-9)
    for name, value in one.groups["covariance"].items():
        other = found.groups["covariance"][name]
        if name.endswith("directions"):  # each up to its sign
            value, other = value @ value.T, other @ other.T
        torch.testing.assert_close(other, value, rtol=1e-3, atol=1e-4)
    # All images are drawn here: the same vectors, in another order.
    for tap in ("c", "a"):
        pair = [s.groups["bank"][f"{tap}/vectors"] for s in (found, one)]
        near = torch.cdist(*(v.double() for v in pair)).min(1)
        assert near.values.max() < 1e-3 and sorted(near.indices.tolist()) == list(range(95))
    names = {"names": ["x", "y", "z"]} if labels else {}
    assert found.metadata["classes"] == ({**one.metadata["classes"], **names} if labels else None)
    assert found.metadata["groups"] == one.metadata["groups"]


def test_drawn_vectors_are_those_of_distinct_images(folder: Path) -> None:
    data = write_shards(folder / "s", PARTS)
    bank = found_of(data, **FEW, bank={"count": 30}).groups["bank"]
    every = found_of(data, **FEW).groups["bank"]
    for tap in ("a", "b", "c"):
        some, scale = bank[f"{tap}/vectors"] * bank[f"{tap}/scale"], every[f"{tap}/scale"]
        near = torch.cdist(some.double(), (every[f"{tap}/vectors"] * scale).double()).min(1)
        assert len(some) == 30 and near.values.max() < 1e-4 and len(near.indices.unique()) == 30


FEW = dict.fromkeys(("mixture", "landmarks", "quantiles"))  # which take seconds to fit


def test_parts_merge_to_the_file_of_the_whole_in_any_order_and_grouping(folder: Path) -> None:
    data, network = write_shards(folder / "s", PARTS, LABELS), TinyNetwork()
    asked = {**FEW, "bank": {"count": 25}, "class_weight": 2.0, "copies": {"count": 2}}
    whole = bytes_of(found_of(data, **asked), folder / "whole.safetensors")
    paths = [folder / f"{i}.safetensors" for i in range(len(PARTS))]
    for i, path in enumerate(paths):
        statistics.save(found_of(some(data, [i]), **asked), path)

    @settings(max_examples=5, deadline=None, database=None, derandomize=True)
    @given(st.permutations(paths), st.integers(1, 3))
    def check(order: list[Path], cut: int) -> None:
        halves = [folder / "a.safetensors", folder / "b.safetensors"]
        for path, parts in zip(halves, (order[:cut], order[cut:]), strict=True):
            statistics.save(merge(parts, "other"), path)
        assert bytes_of(merge(halves, "d"), folder / "ab.safetensors") == whole

    check()
    statistics.verify(statistics.load(folder / "whole.safetensors"), Path("w"), network, "d")


def test_stopped_measurement_resumes_at_its_shard(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = write_shards(folder / "s", PARTS)
    whole = bytes_of(found_of(data, **FEW), folder / "whole.safetensors")
    asked: list[str] = []
    monkeypatch.setenv("GFMN_SCRATCH", "scratch")

    def stopping(state: State, shard: dataset.Shard, *rest: object) -> None:
        if shard.name == "2.tar" and "2.tar" not in asked:
            asked.append("2.tar")
            raise KeyboardInterrupt
        asked.append(shard.name)
        add(state, shard, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("gfmn.shards.measure.add", stopping)
    with pytest.raises(KeyboardInterrupt):
        found_of(data, **FEW)
    assert bytes_of(found_of(data, **FEW), folder / "again.safetensors") == whole
    assert asked == ["0.tar", "1.tar", "2.tar", "2.tar", "3.tar"]


def test_missing_changed_and_tiny_shards_are_one_line(folder: Path) -> None:
    write_shards(folder / "s", [*PARTS, images(1, 9, 8)])
    with pytest.raises(InputError, match=r"s/00004 \(4\.tar\): expected at least 2 images, as a"):
        found_of(dataset.read(Path("s")), **FEW)
    write_shards(folder / "s", PARTS)
    changed = np.load("s/00001/images.npy")
    changed[3, 4, 5] ^= 1
    np.save("s/00001/images.npy", changed)
    line = r"s/00001 \(1\.tar\): expected images of sha256 \w{12}, found \w{12}: this shard has"
    with pytest.raises(InputError, match=line):
        found_of(dataset.read(Path("s")), **FEW)
    Path("s/00002/meta.json").unlink()
    with pytest.raises(
        InputError, match=r"s/00002/meta\.json: expected a prepared data set, found"
    ):
        found_of(dataset.read(Path("s")), **FEW)
    meta = json.loads(Path("s/meta.json").read_text())
    for change in ({"count": 3}, {"shards": [{"name": 1}]}, {"digest": "0"}, {"image_size": "x"}):
        Path("s/meta.json").write_text(json.dumps(meta | change))
        with pytest.raises(InputError, match=r"^s/meta\.json: expected the name, count and digest"):
            dataset.read(Path("s"))


def test_parts_that_do_not_fit_are_one_line(folder: Path) -> None:
    data = write_shards(folder / "s", PARTS)
    a, b = folder / "a.safetensors", folder / "b.safetensors"
    statistics.save(found_of(some(data, [0, 1]), **FEW), a)
    statistics.save(found_of(some(data, [1, 2]), **FEW), b)
    with pytest.raises(
        InputError, match=r"b\.safetensors: expected each shard once, found that of"
    ):
        merge([a, b], "d")
    statistics.save(found_of(some(data, [2]), **FEW, bank=None), b)
    with pytest.raises(InputError, match=r"b\.safetensors: expected bank \{.* as in .*found None"):
        merge([a, b], "d")
    one = real(TinyNetwork(), PARTS[0])
    statistics.save(one, b)
    with pytest.raises(
        InputError, match="expected statistics of a data set in shards, found those"
    ):
        merge([a, b], "d")


SCRIPT = """
import sys
from pathlib import Path
import torch
from builders.shards import config
from builders.tiny_network import TinyNetwork
from gfmn.features import statistics
from gfmn.runtime.distributed import world
from gfmn.shards import dataset
from gfmn.shards.measure import measure
folder = Path(sys.argv[1])
asked = config(mixture=None, landmarks=None, quantiles=None)
with world() as joined:
    found, _ = measure("d", dataset.read(folder / "s"), TinyNetwork(), asked, "row", joined)
    statistics.save(found, folder / f"{joined.rank}.safetensors")
    torch.save({}, folder / f"{joined.rank}.pt")
"""


def test_two_processes_write_the_file_of_one(folder: Path) -> None:
    data = write_shards(folder / "s", PARTS[:3])
    one = bytes_of(found_of(data, **FEW), folder / "one.safetensors")
    (folder / "script.py").write_text(SCRIPT)
    run_ranks(2, str(folder / "script.py"), folder)
    for rank in range(2):
        assert (folder / f"{rank}.safetensors").read_bytes() == one
