"""Arrays of images and labels in `.npy` files."""

from pathlib import Path

import numpy as np
import pytest
from builders.image_sources import IMAGES, LABELS, prepare, refusal


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


def test_npy_labels_take_the_names_given(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", IMAGES)
    np.save(tmp_path / "b.npy", LABELS)
    source = {"source": "npy", "path": str(tmp_path / "a.npy")}
    labeled = {**source, "labels_path": str(tmp_path / "b.npy")}
    names = ["one", "two", "three", "four", "five"]
    assert prepare(tmp_path, **labeled).metadata["classes"] is None
    data = prepare(tmp_path, **labeled, classes=names)
    assert data.metadata["classes"] == names
    assert data.labels is not None and data.labels.tolist() == LABELS
    spare = [*names, "no image has it"]
    assert prepare(tmp_path, **labeled, classes=spare).metadata["classes"] == spare
    line = refusal(tmp_path, **source, classes=names)
    assert line.startswith("datasets.x.classes: a.npy: image 0: expected labels from 0 to 4")
    assert line.endswith("found none")


def test_npy_refuses_labels_of_another_number(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", IMAGES)
    np.save(tmp_path / "b.npy", np.arange(29))
    paths = {"path": str(tmp_path / "a.npy"), "labels_path": str(tmp_path / "b.npy")}
    assert "expected 30 integers, found 29 int64" in refusal(tmp_path, source="npy", **paths)


@pytest.mark.parametrize("shape", [(16, 20, 3), (16, 20, 4)])
def test_npy_refuses_one_image(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "a.npy", np.zeros(shape, np.uint8))
    line = refusal(tmp_path, source="npy", path=str(tmp_path / "a.npy"))
    assert f"found one image of 16 x 20 x {shape[2]} uint8" in line


@pytest.mark.parametrize("label", [-7, 10**12, 2**64 - 1])
def test_label_out_of_range_is_named(tmp_path: Path, label: int) -> None:
    np.save(tmp_path / "a.npy", IMAGES)
    kind = np.uint64 if label > 2**63 else np.int64
    np.save(tmp_path / "b.npy", np.array([*LABELS[:3], label, *LABELS[4:]], kind))
    paths = {"path": str(tmp_path / "a.npy"), "labels_path": str(tmp_path / "b.npy")}
    line = refusal(tmp_path, source="npy", **paths)
    assert line == f"datasets.x: a.npy: image 3: expected a label from 0 to 99999, found {label}"


@pytest.mark.parametrize("labels", [["a"] * 30, [0.5] * 30, [True] * 30])
def test_npy_refuses_labels_that_are_no_integers(tmp_path: Path, labels: list[object]) -> None:
    np.save(tmp_path / "a.npy", IMAGES)
    np.save(tmp_path / "b.npy", np.array(labels))
    paths = {"path": str(tmp_path / "a.npy"), "labels_path": str(tmp_path / "b.npy")}
    assert "expected 30 integers, found 30 " in refusal(tmp_path, source="npy", **paths)
