"""Decoding by several processes: the same bytes, bounded memory, no process left."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from builders.items import StubSource, config, items, jpeg, run

from gfmn import sources
from gfmn.common.errors import InputError
from gfmn.datasets import prepared
from gfmn.sources import decode_pool
from gfmn.sources.base import Item, Items


def test_bytes_do_not_depend_on_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_pool, "GROUP_ITEMS", 7)
    root = tmp_path / "tree"
    root.mkdir()
    for i in range(60):
        (root / f"{i:03}.jpg").write_bytes(b"" if i == 33 else jpeg(i))
    for workers in (1, 3):
        parameters = {"source": "folder", "path": str(root), "broken": "skip", "image_size": 8}
        parsed = sources.parse({**parameters, "workers": workers}, "datasets.x")
        sources.prepare(parsed, "x", tmp_path / str(workers))
    for name in ("images.npy", "meta.json"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "3" / name).read_bytes()
    metadata = prepared.read(tmp_path / "3").metadata
    assert metadata["count"] == 59 and metadata["skipped"] == {"count": 1, "names": ["033.jpg"]}
    assert not multiprocessing.active_children()


def test_flips_follow_their_images_with_the_same_label() -> None:
    plain, _ = run(items(5))
    images, labels = run(items(5), flips=True)
    assert (images[::2] == plain).all() and (images[1::2] == plain[:, :, ::-1]).all()
    assert labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_limit_reads_no_more_items() -> None:
    source = items(100)
    assert run(source, limit=12)[1].tolist() == list(range(12))
    assert next(source).name == "image 12"


@pytest.mark.parametrize("workers", [0, 2])
def test_broken_image_is_one_line(workers: int) -> None:
    line = r"datasets\.x: image 3: expected an image, found: none of PNG.*broken: skip"
    with pytest.raises(InputError, match=line):
        run(items(20, broken=(3, 5)), workers=workers)
    assert not multiprocessing.active_children()


def test_broken_images_are_skipped_and_counted() -> None:
    skipped = decode_pool.Skipped()
    _, labels = run(items(20, broken=(3, 5)), skipped, broken="skip")
    assert labels.tolist() == [i for i in range(20) if i not in (3, 5)]
    assert skipped.count == 2 and skipped.names == ["image 3", "image 5"]


def test_names_of_skipped_images_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_pool, "MAX_NAMES", 4)
    skipped = decode_pool.Skipped()
    run(items(20, broken=tuple(range(10))), skipped, broken="skip")
    assert skipped.count == 10 and len(skipped.names) == 4


@pytest.mark.parametrize("workers", [0, 2])
def test_groups_in_memory_are_bounded(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_pool, "GROUP_ITEMS", 10)
    asked = 0

    def counted() -> Iterator[Item]:
        nonlocal asked
        for item in items(1000):
            asked += 1
            yield item

    chunks = decode_pool.decoded_chunks(
        counted(), config(workers=workers), "datasets.x", decode_pool.Skipped()
    )
    for taken in range(1, 30):
        next(chunks)
        # Those in flight, the one in hand, and the one that is being gathered.
        assert asked <= 10 * (taken + workers + decode_pool.QUEUED + 1)
    chunks.close()
    assert not multiprocessing.active_children()


def test_large_images_make_small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_pool, "GROUP_BYTES", 3000)
    large = (Item(str(i), np.zeros((30, 40, 3), np.uint8), None) for i in range(6))
    chunks = list(decode_pool.decoded_chunks(large, config(), "datasets.x", decode_pool.Skipped()))
    assert [len(images) for images, _ in chunks] == [1] * 6


def test_arrays_of_right_size_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("not to be reached")

    monkeypatch.setattr(decode_pool, "decode", refuse)
    arrays = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    ready = (Item(str(i), array, i) for i, array in enumerate(arrays))
    assert (run(ready, workers=2)[0] == arrays).all()
    assert not multiprocessing.active_children()


def test_killed_worker_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_pool, "GROUP_ITEMS", 10)

    def murderous() -> Iterator[Item]:
        for i, item in enumerate(items(10_000)):
            if i == 100:
                os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)
            yield item

    with pytest.raises(InputError, match=r"datasets\.x\.workers: expected 2 .* found one killed"):
        run(murderous(), workers=2)


def test_error_of_source_ends_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class FailingFolder(StubSource):
        path: str

        def open(self, where: str) -> Items:
            def failing() -> Iterator[Item]:
                yield from items(600)
                raise RuntimeError("in the middle")

            return Items(failing(), 1000)

    monkeypatch.setitem(sources.SOURCES, "folder", FailingFolder)
    parameters = {"source": "folder", "path": ".", "image_size": 8, "workers": 2}
    with pytest.raises(RuntimeError, match="in the middle"):
        sources.prepare(sources.parse(parameters, "datasets.x"), "x", tmp_path)
    with pytest.raises(InputError, match=r"meta\.json"):
        prepared.read(tmp_path)
    assert not multiprocessing.active_children()


def test_missing_label_is_refused() -> None:
    mixed = (item._replace(label=None) if i == 2 else item for i, item in enumerate(items(4)))
    with pytest.raises(InputError, match="image 2: expected a label"):
        run(mixed)
