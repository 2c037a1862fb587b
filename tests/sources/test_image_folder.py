"""A folder of images: order, labels, and refusals."""

import os
from pathlib import Path

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
    assert "expected images (.bmp" in refusal(tmp_path, source="folder", path=str(root))


def test_pipe_among_images_is_no_image_and_is_not_waited_for(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    Image.fromarray(IMAGES[0]).save(root / "a.png")
    os.mkfifo(root / "b.png")
    message = refusal(tmp_path, source="folder", path=str(root))
    assert "b.png: expected an image, found: no regular file" in message
    data = prepare(tmp_path, source="folder", path=str(root), broken="skip")
    assert len(data.images) == 1 and data.metadata["skipped"]["names"] == ["b.png"]


def test_absolute_path_is_in_no_output(tmp_path: Path) -> None:
    root = tmp_path / "alice" / "tree"
    root.mkdir(parents=True)
    Image.fromarray(IMAGES[0]).save(root / "a.png")
    data = prepare(tmp_path, source="folder", path=str(root))
    assert data.metadata["path"] == "tree" and "alice" not in str(data.metadata)
