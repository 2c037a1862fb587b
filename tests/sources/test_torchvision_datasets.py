"""Classes of `torchvision.datasets`: images, labels, and refusals."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders.image_sources import IMAGES, prepare, refusal
from PIL import Image
from torchvision.datasets import FakeData
from torchvision.transforms.v2 import CenterCrop, Compose, Resize


@pytest.mark.parametrize("workers", [0, 2])
def test_torchvision_class_images_and_labels(tmp_path: Path, workers: int) -> None:
    arguments = {"size": 20, "image_size": [3, 12, 10], "num_classes": 4}
    parameters = {"source": "torchvision", "class": "FakeData", "arguments": arguments}
    data = prepare(tmp_path, **parameters, workers=workers)
    items = list(FakeData(20, (3, 12, 10), 4))
    rule = Compose([Resize(8), CenterCrop(8)])
    assert (data.images == np.stack([np.asarray(rule(image)) for image, _ in items])).all()
    assert data.labels is not None and data.labels.tolist() == [label for _, label in items]
    assert data.metadata["class"] == "FakeData" and data.metadata["arguments"] == arguments


def test_torchvision_class_with_a_root(tmp_path: Path) -> None:
    for i, name in enumerate(["cat", "dog"]):
        (tmp_path / "tree" / name).mkdir(parents=True)
        Image.fromarray(IMAGES[i]).save(tmp_path / "tree" / name / "a.png")
    (tmp_path / "tree/dog/b.png").write_bytes(b"broken")
    parameters = {"source": "torchvision", "class": "ImageFolder", "root": str(tmp_path / "tree")}
    assert "ImageFolder[2]: expected an image" in refusal(tmp_path, **parameters)
    data = prepare(tmp_path, **parameters, broken="skip")
    assert (data.images == IMAGES[:2]).all() and data.metadata["classes"] == ["cat", "dog"]
    assert data.metadata["skipped"] == {"count": 1, "names": ["ImageFolder[2]"]}
    assert data.labels is not None and data.labels.tolist() == [0, 1]


def test_torchvision_class_reads_image_files_as_all_sources_do(tmp_path: Path) -> None:
    folder = tmp_path / "tree/a"
    folder.mkdir(parents=True)
    ramp = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    Image.fromarray(ramp).save(folder / "0-deep.png")
    Image.new("RGBA", (8, 8), (255, 0, 0, 0)).save(folder / "1-clear.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(IMAGES[0]).save(folder / "2-turned.png", exif=exif)
    (folder / "3-postscript.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    parameters = {"source": "torchvision", "class": "ImageFolder", "broken": "skip"}
    data = prepare(tmp_path, **parameters, root=str(tmp_path / "tree"))
    folder_data = prepare(tmp_path, source="folder", path=str(tmp_path / "tree"), broken="skip")
    assert (data.images == folder_data.images).all() and len(data.images) == 3
    assert data.images[0, :, :, 0].ravel().tolist() == [round(v / 257) for v in ramp.ravel()]
    assert (data.images[1] == 255).all()
    assert data.metadata["skipped"]["names"] == ["ImageFolder[3]"]


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"class": "FakeDate"}, "x.class: unknown 'FakeDate'; did you mean 'FakeData'?"),
        ({"class": "FakeData", "arguments": {"sise": 3}}, "x.arguments: expected arguments"),
        ({"class": "FakeData", "arguments": {"size": 0}}, "expected images from FakeData"),
        ({"class": "FakeData", "arguments": {"size": 10**12}}, "found 1,000,000,000,000"),
        ({"class": "FakeData", "arguments": {"size": 10**30}}, "x.arguments: expected arguments"),
        ({"class": "ImageFolder"}, "put it in data/downloads/imagefolder"),
        ({"class": "FER2013"}, "put it in data/downloads/fer2013"),
    ],
)
def test_torchvision_class_refused_in_one_line(
    tmp_path: Path, parameters: dict[str, Any], found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert found in refusal(tmp_path, source="torchvision", **parameters)


def test_torchvision_class_without_images_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "mnist_test_seq.npy", np.zeros((20, 2, 64, 64), np.uint8))
    folder = tmp_path / "MovingMNIST"
    folder.mkdir()
    (tmp_path / "mnist_test_seq.npy").rename(folder / "mnist_test_seq.npy")
    parameters = {"source": "torchvision", "class": "MovingMNIST", "root": str(tmp_path)}
    line = refusal(tmp_path, **parameters)
    assert "MovingMNIST[0]: expected an image, found Tensor" in line
