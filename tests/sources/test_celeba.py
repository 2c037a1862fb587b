"""CelebA: extraction, official splits, and failed downloads."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders.downloads import (
    FACES,
    make_celeba,
    prepare,
    refusal,
)
from PIL import Image
from torchvision.transforms import v2

from gfmn.sources import celeba


@pytest.mark.parametrize("size", [64, 128])
def test_celeba_crop_and_scaling_equal_torchvisions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    make_celeba(tmp_path / "root", monkeypatch)
    data = prepare(tmp_path, source="celeba", image_size=size)
    rule = v2.Compose([v2.CenterCrop(160), v2.Resize(size)])
    expected = np.stack([np.asarray(rule(Image.fromarray(face))) for face in FACES])
    assert (data.images == expected).all() and data.metadata["crop"] == 160 and data.labels is None


@pytest.mark.parametrize(("split", "faces"), [("all", 6), ("train", 3), ("valid", 1), ("test", 2)])
def test_celeba_splits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, split: str, faces: int
) -> None:
    make_celeba(tmp_path / "root", monkeypatch)
    assert len(prepare(tmp_path, source="celeba", split=split).images) == faces


def test_celeba_partly_extracted_is_extracted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_celeba(tmp_path / "root", monkeypatch)
    prepare(tmp_path, source="celeba")
    (folder / "img_align_celeba/000002.jpg").unlink()
    assert len(prepare(tmp_path, source="celeba").images) == 6
    (folder / "img_align_celeba/000002.jpg").unlink()
    (folder / celeba.ARCHIVE).unlink()
    monkeypatch.setitem(sys.modules, "gdown", None)
    assert "put it in" in refusal(tmp_path, source="celeba")


@pytest.mark.parametrize("failure", ["no gdown", "no network", "wrong file"])
def test_celeba_failed_download_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    class Gdown:
        @staticmethod
        def download(output: str, **options: Any) -> None:
            if failure == "no network":
                raise ConnectionError("no route to host")
            Path(output).write_bytes(b"<html>too many downloads</html>")

    module = None if failure == "no gdown" else Gdown
    monkeypatch.setitem(sys.modules, "gdown", module)
    line = refusal(tmp_path, source="celeba")
    assert "img_align_celeba.zip (md5 00d2c5bc6d35e252742224ab0c1e8fcb)" in line
    expected = {"no gdown": "'gdown' is required", "no network": "no route", "wrong file": "corrup"}
    assert expected[failure] in line and line.endswith(f"put it in {tmp_path / 'root/celeba'}")
