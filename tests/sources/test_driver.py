"""Decoding in several processes: the same bytes, bounded memory, and ends that are clean."""

import io
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders.prepared import write
from gfmn.sources.source import Item, Pictures
from PIL import Image

from gfmn import sources
from gfmn.common.errors import InputError
from gfmn.datasets import prepared
from gfmn.sources import driver

ROOT = Path(__file__).parents[2]


def jpeg(number: int) -> bytes:
    values = np.random.default_rng(number).integers(0, 256, (11, 14, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(values).save(file, "JPEG")
    return file.getvalue()


def items(count: int, broken: tuple[int, ...] = ()) -> Iterator[Item]:
    for i in range(count):
        yield Item(f"picture {i}", b"broken" if i in broken else jpeg(i % 50), i)


def config(**parameters: Any) -> Pictures:
    return Pictures.parse(
        {"source": "x", "image_size": 8, "workers": 0, **parameters}, "datasets.x"
    )


def run(
    source: Iterator[Item], skipped: driver.Skipped | None = None, **parameters: Any
) -> tuple[np.ndarray, np.ndarray]:
    skipped = skipped or driver.Skipped()
    chunks = list(driver.chunks(source, config(**parameters), "datasets.x", skipped))
    labels = [labels for _, labels in chunks if labels is not None]
    return np.concatenate([images for images, _ in chunks]), np.concatenate(labels)


def test_the_bytes_do_not_depend_on_the_number_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "GROUP_ITEMS", 7)
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
    meta = prepared.read(tmp_path / "3").meta
    assert meta["count"] == 59 and meta["skipped"] == {"count": 1, "names": ["033.jpg"]}
    assert not multiprocessing.active_children()


def test_a_flip_follows_every_image_with_the_same_label() -> None:
    plain, _ = run(items(5))
    images, labels = run(items(5), flips=True)
    assert (images[::2] == plain).all() and (images[1::2] == plain[:, :, ::-1]).all()
    assert labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_a_limit_takes_the_first_pictures_and_asks_for_no_more() -> None:
    source = items(100)
    assert run(source, limit=12)[1].tolist() == list(range(12))
    assert next(source).name == "picture 12"


@pytest.mark.parametrize("workers", [0, 2])
def test_a_broken_picture_is_fatal_and_named(workers: int) -> None:
    line = r"datasets\.x: picture 3: expected a picture, found: none of PNG.*broken: skip"
    with pytest.raises(InputError, match=line):
        run(items(20, broken=(3, 5)), workers=workers)
    assert not multiprocessing.active_children()


def test_broken_pictures_are_skipped_counted_and_named_by_choice() -> None:
    skipped = driver.Skipped()
    _, labels = run(items(20, broken=(3, 5)), skipped, broken="skip")
    assert labels.tolist() == [i for i in range(20) if i not in (3, 5)]
    assert skipped.count == 2 and skipped.names == ["picture 3", "picture 5"]


def test_the_names_of_many_broken_pictures_stay_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "NAMES", 4)
    skipped = driver.Skipped()
    run(items(20, broken=tuple(range(10))), skipped, broken="skip")
    assert skipped.count == 10 and len(skipped.names) == 4


@pytest.mark.parametrize("workers", [0, 2])
def test_only_so_many_groups_are_held_at_a_time(
    workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver, "GROUP_ITEMS", 10)
    asked = 0

    def counted() -> Iterator[Item]:
        nonlocal asked
        for item in items(1000):
            asked += 1
            yield item

    chunks = driver.chunks(counted(), config(workers=workers), "datasets.x", driver.Skipped())
    for taken in range(1, 30):
        next(chunks)
        # Those in flight, the one in hand, and the one that is being gathered.
        assert asked <= 10 * (taken + workers + driver.AHEAD + 1)
    chunks.close()
    assert not multiprocessing.active_children()


def test_large_pictures_make_small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "GROUP_BYTES", 3000)
    large = (Item(str(i), np.zeros((30, 40, 3), np.uint8), None) for i in range(6))
    chunks = list(driver.chunks(large, config(), "datasets.x", driver.Skipped()))
    assert [len(images) for images, _ in chunks] == [1] * 6


def test_arrays_of_the_right_size_need_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("not to be reached")

    monkeypatch.setattr(driver, "decode", refuse)
    arrays = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 3), dtype=np.uint8)
    ready = (Item(str(i), array, i) for i, array in enumerate(arrays))
    assert (run(ready, workers=2)[0] == arrays).all()
    assert not multiprocessing.active_children()


def test_a_killed_worker_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "GROUP_ITEMS", 10)

    def murderous() -> Iterator[Item]:
        for i, item in enumerate(items(10_000)):
            if i == 100:
                os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)
            yield item

    with pytest.raises(InputError, match=r"datasets\.x\.workers: expected 2 .* found one killed"):
        run(murderous(), workers=2)


def test_an_error_of_the_source_ends_the_workers_and_leaves_nothing_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(self: object, where: str) -> Any:
        def broken() -> Iterator[Item]:
            yield from items(600)
            raise RuntimeError("in the middle")

        return sources.Source(broken(), 1000)

    monkeypatch.setitem(sources.READ, "folder", (sources.tree.Folder, failing))
    parameters = {"source": "folder", "path": ".", "image_size": 8, "workers": 2}
    with pytest.raises(RuntimeError, match="in the middle"):
        sources.prepare(sources.parse(parameters, "datasets.x"), "x", tmp_path)
    with pytest.raises(InputError, match=r"meta\.json"):
        prepared.read(tmp_path)
    assert not multiprocessing.active_children()


def test_a_mixture_of_pictures_with_and_without_labels_is_refused() -> None:
    mixed = (item._replace(label=None) if i == 2 else item for i, item in enumerate(items(4)))
    with pytest.raises(InputError, match="picture 2: expected a label"):
        run(mixed)


ENDLESS = """
import multiprocessing, sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
import prepare, runner
from gfmn import datasets
from gfmn.sources.source import Item

def open_source(config, where):
    raw = Path("a.jpg").read_bytes()
    def items():
        for i in range(10**9):
            if i == 5000:
                print(*(child.pid for child in multiprocessing.active_children()), flush=True)
            yield Item(str(i), raw, None)
    return sources.Source(items(), 10**9)

if __name__ == "__main__":
    sources.READ["folder"] = sources.tree.Folder, open_source
    sys.argv[1:] = ["x"]
    runner.run(prepare.main)
"""
PARAMS = "datasets: {x: {source: folder, path: ., image_size: 8, workers: 2}}\n"


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks processes up in /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_stopped_prepare_leaves_no_process_and_nothing_that_looks_finished(
    tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "a.jpg").write_bytes(jpeg(0))
    (tmp_path / "params.yaml").write_text(PARAMS)
    (tmp_path / "endless.py").write_text(ENDLESS)
    folder = tmp_path / "data/prepared/x"
    write(folder, [(np.zeros((2, 8, 8, 3), np.uint8), np.zeros(2))], 8, {})
    words = [sys.executable, "endless.py", str(ROOT), str(ROOT / "stages")]
    process = subprocess.Popen(
        words, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    workers = [int(pid) for pid in process.stdout.readline().split()]
    assert workers and not all(map(gone, workers))
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    if number != signal.SIGKILL:
        assert process.returncode == 128 + number
        assert errors.strip() == f"prepare x: stopped by {number.name}"
    deadline = time.monotonic() + 30
    while not all(map(gone, workers)):
        assert time.monotonic() < deadline, "workers outlive their parent"
        time.sleep(0.02)
    assert (folder / "images.npy").stat().st_size > 0
    with pytest.raises(InputError, match=r"meta\.json"):
        prepared.read(folder)


def test_the_stage_ends_in_one_line_that_says_what_was_prepared(tmp_path: Path) -> None:
    for i in range(3):
        (tmp_path / f"{i}.jpg").write_bytes(b"" if i == 1 else jpeg(i))
    more = PARAMS.replace("workers: 2", "flips: true, broken: skip")
    (tmp_path / "params.yaml").write_text(more)
    words = [sys.executable, str(ROOT / "stages/prepare.py"), "x"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout == "x: 4 images of 8 px, 1 skipped, without labels\n"
    (tmp_path / "params.yaml").write_text(PARAMS)
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("error: sources.x: 1.jpg: expected")
    assert done.stderr.count("\n") == 1
