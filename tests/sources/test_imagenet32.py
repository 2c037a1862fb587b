"""Batches of the downsampled ImageNet: layouts, pickles, and refusals."""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders.image_sources import LABELS, prepare, refusal


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
def test_imagenet_batches_of_any_side(tmp_path: Path, side: int) -> None:
    images = batches(tmp_path / "in", side)
    path = str(tmp_path / "in")
    data = prepare(tmp_path, source="imagenet32", path=path, image_size=side)
    assert (data.images == images).all()
    assert data.labels is not None and data.labels.tolist() == LABELS


@pytest.mark.parametrize("protocol", [2, 3, 5])
def test_imagenet_pickles_of_every_protocol(tmp_path: Path, protocol: int) -> None:
    images = batches(tmp_path / "in", protocol=protocol)
    data = prepare(tmp_path, source="imagenet32", path=str(tmp_path / "in"))
    assert (data.images == images).all()


def test_imagenet_npz_files(tmp_path: Path) -> None:
    images = batches(tmp_path / "in", npz=True)
    data = prepare(tmp_path, source="imagenet32", path=str(tmp_path / "in"))
    assert (data.images == images).all() and data.labels is not None


class Malicious:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def test_pickle_with_a_function_is_not_run(tmp_path: Path) -> None:
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
def test_batch_of_another_layout_is_one_line(tmp_path: Path, batch: Any, found: str) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/val_data").write_bytes(pickle.dumps(batch))
    line = refusal(tmp_path, source="imagenet32", path=str(tmp_path / "in"), split="val")
    assert "val_data: expected" in line and found in line


def test_missing_or_truncated_batch_is_one_line(tmp_path: Path) -> None:
    batches(tmp_path / "in")
    last = tmp_path / "in/train_data_batch_10"
    last.write_bytes(last.read_bytes()[:-9])
    line = refusal(tmp_path, source="imagenet32", path=str(tmp_path / "in"))
    assert "train_data_batch_10: expected a pickled batch" in line
    last.unlink()
    line = refusal(tmp_path, source="imagenet32", path=str(tmp_path / "in"))
    assert "found no train_data_batch_10; put them there" in line
