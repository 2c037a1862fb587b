"""STL-10: its binary layout, downloads and damaged files."""

from pathlib import Path

import numpy as np
import pytest
from builders.downloads import (
    CLOSED,
    LARGE,
    STL10,
    make_stl10,
    md5,
    prepare,
    refusal,
)
from PIL import Image
from torchvision.transforms import v2


def test_stl10_replaces_an_interrupted_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: tuple[str, Path]
) -> None:
    archive = make_stl10(server[1], monkeypatch, server[0])
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / archive.name).write_bytes(archive.read_bytes()[:100])
    data = prepare(tmp_path, source="stl10", image_size=96)
    assert (data.images == LARGE[4:]).all() and data.labels is None


@pytest.mark.parametrize(("split", "start"), [("train", 0), ("test", 2), ("unlabeled", 4)])
def test_stl10_equals_torchvisions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, split: str, start: int
) -> None:
    make_stl10(tmp_path / "root", monkeypatch, CLOSED).unlink()
    data = prepare(tmp_path, source="stl10", split=split, image_size=96)
    assert (data.images == LARGE[start : start + 2]).all()
    labels = None if data.labels is None else data.labels.tolist()
    assert labels == (None if split == "unlabeled" else [0, 9])
    assert data.metadata["classes"] == (None if split == "unlabeled" else list("abcdefghij"))
    theirs = STL10(str(tmp_path / "root"), split=split)
    assert (np.stack([np.asarray(image) for image, _ in theirs]) == data.images).all()


@pytest.mark.parametrize("size", [32, 48])
def test_stl10_scaling_equals_torchvisions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    make_stl10(tmp_path / "root", monkeypatch, CLOSED)
    data = prepare(tmp_path, source="stl10", image_size=size)
    resize = v2.Resize(size)
    expected = [np.asarray(resize(Image.fromarray(image))) for image in LARGE[4:]]
    assert (data.images == np.stack(expected)).all()


def test_stl10_file_of_wrong_size_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_stl10(tmp_path / "root", monkeypatch, CLOSED)
    path = tmp_path / "root" / STL10.base_folder / "unlabeled_X.bin"
    path.write_bytes(path.read_bytes()[:-1])
    hashed = [[name, md5(path.with_name(name))] for name, _ in STL10.train_list]
    monkeypatch.setattr(STL10, "train_list", hashed)
    assert "unlabeled_X.bin: expected images of 27648" in refusal(tmp_path, source="stl10")


def test_stl10_replaces_a_damaged_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_stl10(tmp_path / "root", monkeypatch, CLOSED)
    path = tmp_path / "root" / STL10.base_folder / "unlabeled_X.bin"
    whole = path.read_bytes()
    path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    assert (prepare(tmp_path, source="stl10", image_size=96).images == LARGE[4:]).all()
    assert path.read_bytes() == whole
