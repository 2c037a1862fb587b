"""A folder of images: order, labels, and refusals."""

import os
from pathlib import Path
from typing import Any

import pytest
from builders.image_sources import IMAGES, prepare, refusal
from PIL import Image


def test_folder_is_sorted_with_folders_as_labels(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    for i, path in enumerate(["cat/1.png", "cat/deep/0.PNG", "dog/2.png", "emu/3.webp"]):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        options = {"lossless": True} if path.endswith("webp") else {}
        Image.fromarray(IMAGES[i]).save(root / path, **options)
    for path in (".hidden.png", "cat/notes.txt", ".git/9.png"):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_bytes(b"no image")
    (root / "cat/up").symlink_to(root)  # a circle
    data = prepare(tmp_path, source="folder", path=str(root))
    assert (data.images == IMAGES[:4]).all() and data.metadata["classes"] == ["cat", "dog", "emu"]
    assert data.labels is not None and data.labels.tolist() == [0, 0, 1, 2]
    Image.fromarray(IMAGES[4]).save(root / "zebra.png")
    data = prepare(tmp_path, source="folder", path=str(root))
    assert data.labels is None and len(data.images) == 5 and data.metadata["classes"] is None


def test_folder_without_images_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    assert "found nothing" in refusal(tmp_path, source="folder", path=str(root))
    root.mkdir()
    assert "expected images (.apng, .bmp" in refusal(tmp_path, source="folder", path=str(root))


def test_folder_reads_every_ending_and_names_those_that_it_does_not_read(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    formats = {"jfif": "JPEG", "jpe": "JPEG", "j2k": "JPEG2000", "apng": "PNG", "pnm": "PPM"}
    for i, (ending, kind) in enumerate({**formats, "dib": "DIB", "JPG": "JPEG"}.items()):
        Image.fromarray(IMAGES[i]).save(root / f"{i}.{ending}", kind)
    (root / "a.heic").write_bytes(b"")
    (root / "b.TGA").write_bytes(b"")
    (root / "notes.txt").write_text("no image")
    data = prepare(tmp_path, source="folder", path=str(root))
    assert data.metadata["count"] == 7
    assert data.metadata["skipped"] == {"count": 2, "names": ["a.heic", "b.TGA"]}


def test_folder_refuses_a_class_and_a_link_to_it(tmp_path: Path) -> None:
    for name in ("common", "rare"):
        (tmp_path / "tree" / name).mkdir(parents=True)
        Image.fromarray(IMAGES[0]).save(tmp_path / "tree" / name / "0.png")
    (tmp_path / "tree/copy").symlink_to(tmp_path / "tree/rare")
    line = refusal(tmp_path, source="folder", path=str(tmp_path / "tree"))
    assert "tree/rare: expected a folder once, found" in line and line.endswith("tree/copy")


def test_folder_refuses_a_class_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("common", "rare"):
        (tmp_path / "tree" / name).mkdir(parents=True)
        Image.fromarray(IMAGES[0]).save(tmp_path / "tree" / name / "0.png")
    scan = os.scandir

    def denied(path: Any) -> Any:  # root may read any folder
        if str(path).endswith("rare"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", denied)
    line = refusal(tmp_path, source="folder", path=str(tmp_path / "tree"))
    assert line.endswith("rare: expected a folder that can be read, found: Permission denied")


def test_pipe_in_a_folder_is_no_image(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    os.mkfifo(root / "0.png")
    Image.fromarray(IMAGES[0]).save(root / "1.png")
    line = refusal(tmp_path, source="folder", path=str(root))
    assert "0.png: expected an image, found: no regular file" in line
    data = prepare(tmp_path, source="folder", path=str(root), broken="skip")
    assert data.metadata["skipped"] == {"count": 1, "names": ["0.png"]}


def test_absolute_path_is_in_no_output(tmp_path: Path) -> None:
    root = tmp_path / "alice" / "tree"
    root.mkdir(parents=True)
    Image.fromarray(IMAGES[0]).save(root / "a.png")
    data = prepare(tmp_path, source="folder", path=str(root))
    assert data.metadata["path"] == "tree" and "alice" not in str(data.metadata)
