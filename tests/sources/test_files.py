"""Each source of local files: its layout, its labels, and its one line when something is amiss."""

import os
import pickle
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pytest
from builders.image_sources import IMAGES, LABELS, png, prepare, refusal
from PIL import Image
from torchvision.datasets import FakeData
from torchvision.transforms.v2 import CenterCrop, Compose, Resize


def test_a_folder_is_read_in_the_order_of_its_paths_with_folders_as_labels(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    for i, path in enumerate(["cat/1.png", "cat/deep/0.PNG", "dog/2.png", "emu/3.webp"]):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        options = {"lossless": True} if path.endswith("webp") else {}
        Image.fromarray(IMAGES[i]).save(root / path, **options)
    for path in (".hidden.png", "cat/notes.txt", ".git/9.png"):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(b"no picture")
    (root / "cat/up").symlink_to(root)  # a circle
    data = prepare(tmp_path, source="folder", path=str(root))
    assert (data.images == IMAGES[:4]).all() and data.metadata["classes"] == ["cat", "dog", "emu"]
    assert data.labels is not None and data.labels.tolist() == [0, 0, 1, 2]
    Image.fromarray(IMAGES[4]).save(root / "zebra.png")
    data = prepare(tmp_path, source="folder", path=str(root))
    assert data.labels is None and len(data.images) == 5 and data.metadata["classes"] is None


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    assert "found nothing" in refusal(tmp_path, source="folder", path=str(root))
    root.mkdir()
    assert "expected pictures (.bmp" in refusal(tmp_path, source="folder", path=str(root))


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (IMAGES, IMAGES),
        (IMAGES.transpose(0, 3, 1, 2), IMAGES),
        (IMAGES[..., 0], np.repeat(IMAGES[..., :1], 3, axis=3)),
    ],
)
def test_npy_takes_three_layouts(tmp_path: Path, stored: np.ndarray, expected: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", stored)
    np.save(tmp_path / "b.npy", np.array(LABELS, np.int32))
    paths = {"path": str(tmp_path / "a.npy"), "labels_path": str(tmp_path / "b.npy")}
    data = prepare(tmp_path, source="npy", **paths)
    assert (data.images == expected).all()
    assert data.labels is not None and data.labels.tolist() == LABELS


@pytest.mark.parametrize(
    "stored",
    [IMAGES.astype(np.float32), IMAGES[0, 0], IMAGES[..., :2], np.array([{"a": 1}]), IMAGES[:0]],
)
def test_npy_refuses_other_arrays(tmp_path: Path, stored: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", stored)
    line = refusal(tmp_path, source="npy", path=str(tmp_path / "a.npy"))
    assert line.startswith("datasets.x.path") and "a.npy: expected" in line


def test_npy_refuses_labels_of_another_number(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", IMAGES)
    np.save(tmp_path / "b.npy", np.arange(29))
    paths = {"path": str(tmp_path / "a.npy"), "labels_path": str(tmp_path / "b.npy")}
    assert "expected 30 integers, found 29 int64" in refusal(tmp_path, source="npy", **paths)


def write_lmdb(folder: Path, count: int = 30) -> None:
    with (
        lmdb.open(str(folder), map_size=1 << 24) as environment,
        environment.begin(write=True) as transaction,
    ):
        for i in reversed(range(count)):
            transaction.put(b"%040x" % i, png(IMAGES[i]))
    (folder / "lock.mdb").unlink()


def test_lsun_is_read_in_the_order_of_its_keys_and_left_as_it_was(tmp_path: Path) -> None:
    write_lmdb(tmp_path / "kitchen_val_lmdb")
    parameters = {"source": "lsun", "category": "kitchen", "split": "val"}
    data = prepare(tmp_path, **parameters, path=str(tmp_path / "kitchen_val_lmdb"))
    assert (data.images == IMAGES).all() and data.labels is None
    assert [path.name for path in (tmp_path / "kitchen_val_lmdb").iterdir()] == ["data.mdb"]


def test_lsun_says_which_folder_is_missing_and_where_it_belongs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    line = refusal(tmp_path, source="lsun")
    assert "data/downloads/lsun/bedroom_train_lmdb" in line and "put it there" in line


@pytest.mark.parametrize("damage", ["empty", "truncated", "garbage", "no pictures"])
def test_a_damaged_lmdb_is_one_line(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "bedroom_train_lmdb"
    write_lmdb(folder, 0 if damage == "no pictures" else 30)
    data = folder / "data.mdb"
    whole = data.read_bytes()
    if damage != "no pictures":
        cut = {"empty": b"", "truncated": whole[:-4096], "garbage": b"x" * len(whole)}
        data.write_bytes(cut[damage])
    line = refusal(tmp_path, source="lsun", path=str(folder))
    assert "expected the LMDB folder" in line


def batches(folder: Path, side: int = 8, protocol: int = 4, npz: bool = False) -> np.ndarray:
    images = np.random.default_rng(side).integers(0, 256, (30, side, side, 3), dtype=np.uint8)
    folder.mkdir()
    for i in range(10):
        part = slice(3 * i, 3 * i + 3)
        rows = images[part].transpose(0, 3, 1, 2).reshape(3, -1)
        labels = [label + 1 for label in LABELS[part]]
        path = folder / f"train_data_batch_{i + 1}"
        if npz:
            np.savez(path, data=rows, labels=np.array(labels), mean=np.zeros(rows.shape[1]))
        else:
            batch = {"data": rows, "labels": labels, "mean": rows.mean(0)}
            path.write_bytes(pickle.dumps(batch, protocol))
    return images


@pytest.mark.parametrize("side", [8, 16, 32, 64])
def test_imagenet_batches_are_channel_planes_of_any_side(tmp_path: Path, side: int) -> None:
    images = batches(tmp_path / "in", side)
    path = str(tmp_path / "in")
    data = prepare(tmp_path, source="imagenet32", path=path, image_size=side)
    assert (data.images == images).all()
    assert data.labels is not None and data.labels.tolist() == LABELS


@pytest.mark.parametrize("protocol", [2, 3, 5])
def test_imagenet_pickles_of_every_protocol_are_read(tmp_path: Path, protocol: int) -> None:
    images = batches(tmp_path / "in", protocol=protocol)
    data = prepare(tmp_path, source="imagenet32", path=str(tmp_path / "in"))
    assert (data.images == images).all()


def test_imagenet_npz_files_are_read(tmp_path: Path) -> None:
    images = batches(tmp_path / "in", npz=True)
    data = prepare(tmp_path, source="imagenet32", path=str(tmp_path / "in"))
    assert (data.images == images).all() and data.labels is not None


class Malicious:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def test_a_pickle_that_names_a_function_is_refused_and_not_run(tmp_path: Path) -> None:
    batches(tmp_path / "in")
    marker = tmp_path / "marker"
    path = tmp_path / "in/train_data_batch_1"
    path.write_bytes(pickle.dumps({"data": Malicious(marker), "labels": []}))
    line = refusal(tmp_path, source="imagenet32", path=str(tmp_path / "in"))
    assert "train_data_batch_1: " in line and "mkdir, refused" in line and not marker.exists()


@pytest.mark.parametrize(
    ("batch", "found"),
    [
        ({"labels": [1]}, "arrays `data` and `labels`"),
        ({"data": np.zeros((2, 100), np.uint8), "labels": [1, 1]}, "found 2 x 100 uint8"),
        ({"data": np.zeros((2, 192), np.float32), "labels": [1, 1]}, "found 2 x 192 float32"),
        ({"data": np.zeros((2, 192), np.uint8), "labels": [0, 1]}, "2 labels from 1"),
        ({"data": np.zeros((2, 192), np.uint8), "labels": [1]}, "2 labels from 1"),
        ([1, 2], "a pickled dict, found list"),
        (None, "a pickled dict, found NoneType"),
    ],
)
def test_a_batch_of_another_layout_is_one_line(tmp_path: Path, batch: Any, found: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/val_data").write_bytes(pickle.dumps(batch))
    line = refusal(tmp_path, source="imagenet32", path=str(tmp_path / "in"), split="val")
    assert "val_data: expected" in line and found in line


def test_a_missing_or_truncated_batch_is_named(tmp_path: Path) -> None:
    batches(tmp_path / "in")
    last = tmp_path / "in/train_data_batch_10"
    last.write_bytes(last.read_bytes()[:-9])
    line = refusal(tmp_path, source="imagenet32", path=str(tmp_path / "in"))
    assert "train_data_batch_10: expected a pickled batch" in line
    last.unlink()
    line = refusal(tmp_path, source="imagenet32", path=str(tmp_path / "in"))
    assert "found no train_data_batch_10; put them there" in line


@pytest.mark.parametrize("workers", [0, 2])
def test_a_torchvision_class_gives_its_pictures_and_labels(tmp_path: Path, workers: int) -> None:
    arguments = {"size": 20, "image_size": [3, 12, 10], "num_classes": 4}
    parameters = {"source": "torchvision", "class": "FakeData", "arguments": arguments}
    data = prepare(tmp_path, **parameters, workers=workers)
    items = list(FakeData(20, (3, 12, 10), 4))
    rule = Compose([Resize(8), CenterCrop(8)])
    assert (data.images == np.stack([np.asarray(rule(picture)) for picture, _ in items])).all()
    assert data.labels is not None and data.labels.tolist() == [label for _, label in items]
    assert data.metadata["class"] == "FakeData" and data.metadata["arguments"] == arguments


def test_a_torchvision_class_with_a_root_reads_from_there(tmp_path: Path) -> None:
    for i, name in enumerate(["cat", "dog"]):
        (tmp_path / "tree" / name).mkdir(parents=True)
        Image.fromarray(IMAGES[i]).save(tmp_path / "tree" / name / "a.png")
    (tmp_path / "tree/dog/b.png").write_bytes(b"broken")
    parameters = {"source": "torchvision", "class": "ImageFolder", "root": str(tmp_path / "tree")}
    assert "ImageFolder[2]: expected a picture" in refusal(tmp_path, **parameters)
    data = prepare(tmp_path, **parameters, broken="skip")
    assert (data.images == IMAGES[:2]).all() and data.metadata["classes"] == ["cat", "dog"]
    assert data.metadata["skipped"] == {"count": 1, "names": ["ImageFolder[2]"]}
    assert data.labels is not None and data.labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"class": "FakeDate"}, "x.class: unknown 'FakeDate'; did you mean 'FakeData'?"),
        ({"class": "FakeData", "arguments": {"sise": 3}}, "x.arguments: expected arguments"),
        ({"class": "FakeData", "arguments": {"size": 0}}, "expected pictures from FakeData"),
        ({"class": "ImageFolder"}, "put it in data/downloads/imagefolder"),
        ({"class": "FER2013"}, "put it in data/downloads/fer2013"),
    ],
)
def test_a_torchvision_class_that_cannot_be_used_is_one_line(
    tmp_path: Path, parameters: dict[str, Any], found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert found in refusal(tmp_path, source="torchvision", **parameters)


def test_a_torchvision_class_without_pictures_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "mnist_test_seq.npy", np.zeros((20, 2, 64, 64), np.uint8))
    folder = tmp_path / "MovingMNIST"
    folder.mkdir()
    (tmp_path / "mnist_test_seq.npy").rename(folder / "mnist_test_seq.npy")
    parameters = {"source": "torchvision", "class": "MovingMNIST", "root": str(tmp_path)}
    line = refusal(tmp_path, **parameters)
    assert "MovingMNIST[0]: expected a picture, found Tensor" in line
