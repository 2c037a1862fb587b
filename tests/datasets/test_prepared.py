"""The writer and reader of a prepared data set."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from builders.prepared import write
from hypothesis import given
from hypothesis import strategies as st

from gfmn.common.errors import InputError
from gfmn.datasets import prepared
from gfmn.datasets.prepared import split

RNG = np.random.default_rng(5)


IMAGES = RNG.integers(0, 256, (1100, 8, 8, 3), dtype=np.uint8)


LABELS = np.arange(1100) % 7


def chunks(labels: bool = True, end: int = len(IMAGES)) -> Iterator[prepared.Chunk]:
    for start in range(0, end, 300):
        part = slice(start, min(start + 300, end))
        yield IMAGES[part], LABELS[part] if labels else None


@pytest.mark.parametrize("count", [1, 9, 10, 999, 1100])
def test_files_equal_numpys(tmp_path: Path, count: int) -> None:
    write(tmp_path / "a", chunks(end=count), 8, {})
    np.save(tmp_path / "images.npy", IMAGES[:count])
    np.save(tmp_path / "labels.npy", LABELS[:count])
    for name in ("images.npy", "labels.npy"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / name).read_bytes()


def test_metadata_describes_the_images(tmp_path: Path) -> None:
    meta = write(tmp_path, chunks(), 8, {"name": "x"})
    assert meta == json.loads((tmp_path / "meta.json").read_text())
    assert (meta["name"], meta["count"], meta["image_size"], meta["labels"]) == ("x", 1100, 8, True)
    assert meta["digest"] == hashlib.sha256(IMAGES.tobytes()).hexdigest()
    unit = IMAGES.reshape(-1, 3) / 255
    assert meta["mean"] == pytest.approx(unit.mean(0).tolist(), abs=6e-7)
    assert meta["std"] == pytest.approx(unit.std(0).tolist(), abs=6e-7)


def test_std_of_nearly_constant_images(tmp_path: Path) -> None:
    images = np.full((500, 8, 8, 3), 255, np.uint8)
    images[0, 0, 0] = 254
    meta = write(tmp_path, [(images, None)], 8, {})
    assert meta["std"] == [round(float(np.sqrt(1 / 32000 * (1 - 1 / 32000))) / 255, 6)] * 3


def test_labels_are_memory_mapped(tmp_path: Path) -> None:
    write(tmp_path / "with", chunks(), 8, {})
    write(tmp_path / "without", chunks(labels=False), 8, {})
    labels = prepared.read(tmp_path / "with").labels
    assert isinstance(labels, np.memmap) and labels.dtype == np.int64 and (labels == LABELS).all()
    assert prepared.read(tmp_path / "without").labels is None
    assert prepared.PreparedDataset(IMAGES, {}).labels is None


@pytest.mark.parametrize("wrong", [LABELS[:-1], LABELS.astype(np.int32), None])
def test_wrong_labels_are_refused(tmp_path: Path, wrong: np.ndarray | None) -> None:
    write(tmp_path, chunks(), 8, {})
    (tmp_path / "labels.npy").unlink()
    if wrong is not None:
        np.save(tmp_path / "labels.npy", wrong)
    data = prepared.read(tmp_path)
    with pytest.raises(InputError, match=r"labels\.npy: expected 1100"):
        _ = data.labels


def test_labels_without_metadata_are_read(tmp_path: Path) -> None:
    write(tmp_path, chunks(), 8, {})
    meta = json.loads((tmp_path / "meta.json").read_text())
    del meta["labels"]
    (tmp_path / "meta.json").write_text(json.dumps(meta))
    labels = prepared.read(tmp_path).labels
    assert labels is not None and (labels == LABELS).all()


def test_failed_write_leaves_no_data_set(tmp_path: Path) -> None:
    write(tmp_path, chunks(), 8, {})

    def failing() -> Iterator[prepared.Chunk]:
        yield IMAGES[:10], None
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        write(tmp_path, failing(), 8, {})
    with pytest.raises(InputError, match=r"meta\.json: expected a prepared data set"):
        prepared.read(tmp_path)
    assert not (tmp_path / "labels.npy").exists()


def test_open_reader_survives_a_rewrite(
    tmp_path: Path,
) -> None:
    write(tmp_path, chunks(), 8, {})
    before = prepared.read(tmp_path)
    write(tmp_path, [(IMAGES[::-1][:5], None)], 8, {})
    assert (before.images == IMAGES).all() and len(prepared.read(tmp_path).images) == 5


@pytest.mark.parametrize(
    "mixed", [[(IMAGES[:2], LABELS[:2]), (IMAGES[:2], None)], [(IMAGES[:2], LABELS[:1])]]
)
def test_labels_of_some_images_are_refused(tmp_path: Path, mixed: list[prepared.Chunk]) -> None:
    with pytest.raises(InputError, match="labels"):
        write(tmp_path, mixed, 8, {})
    with pytest.raises(InputError):
        prepared.read(tmp_path)


def test_no_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected images from the source, found none"):
        write(tmp_path, [], 8, {})


def test_truncated_array_is_refused(tmp_path: Path) -> None:
    write(tmp_path, chunks(), 8, {})
    path = tmp_path / "images.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"images\.npy: expected 1100 images, found"):
        prepared.read(tmp_path)


@pytest.mark.parametrize("damage", ["meta.json", "images.npy", "truncate", "count"])
def test_damaged_folder_names_the_file(tmp_path: Path, damage: str) -> None:
    write(tmp_path, [(IMAGES[:20], None)], 8, {})
    if damage == "truncate":
        path = tmp_path / "images.npy"
        path.write_bytes(path.read_bytes()[:3000])
    elif damage == "count":
        meta = tmp_path / "meta.json"
        meta.write_text(meta.read_text().replace('"count": 20', '"count": 21'))
    else:
        (tmp_path / damage).unlink()
    named = "meta.json" if damage == "meta.json" else "images.npy"
    with pytest.raises(InputError, match=named):
        prepared.read(tmp_path)


@given(st.integers(2, 200), st.floats(0.01, 0.99), st.integers(0, 5), st.sampled_from([1, 2]))
def test_split_has_every_image_once(pairs: int, share: float, seed: int, group: int) -> None:
    held, kept = split(pairs * group, share, seed, group)
    assert sorted([*held, *kept]) == list(range(pairs * group)) and len(held) >= group
    assert abs(len(held) / group - share * pairs) <= 1
    assert {i // group for i in held}.isdisjoint({i // group for i in kept})
    again, _ = split(pairs * group, share, seed, group)
    assert (again == held).all()


def test_full_disk_is_one_line(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no device that is always full")
    full = Path("/dev/full").open("wb", buffering=0)  # noqa: SIM115 - the writer closes it
    with prepared.Writer(tmp_path, 8) as writer:
        writer.images.file.close()
        writer.images.file = full
        with pytest.raises(InputError, match=r"images\.npy: expected room for all images, found"):
            writer.add(IMAGES, None)
