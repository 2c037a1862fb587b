"""Published data sets in their official layouts, made small, and a local server.

Nothing leaves the machine; hashes are those of the small files.
"""

import hashlib
import pickle
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torchvision
from PIL import Image

from gfmn import sources
from gfmn.common.errors import InputError
from gfmn.datasets import prepared
from gfmn.sources import celeba

CIFAR10, STL10 = torchvision.datasets.CIFAR10, torchvision.datasets.STL10


RNG = np.random.default_rng(3)


SMALL = RNG.integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)


LARGE = RNG.integers(0, 256, (6, 96, 96, 3), dtype=np.uint8)


FACES = [RNG.integers(0, 256, (218, 178, 3), dtype=np.uint8) for _ in range(6)]


CLOSED = "http://127.0.0.1:9"  # the port that discards, where nobody listens


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def prepare(folder: Path, **parameters: Any) -> prepared.PreparedDataset:
    parameters = {"workers": 0, "root": str(folder / "root"), **parameters}
    sources.prepare(sources.parse(parameters, "datasets.x"), "x", folder / "prepared")
    return prepared.read(folder / "prepared")


def refusal(folder: Path, **parameters: Any) -> str:
    with pytest.raises(InputError) as error:
        prepare(folder, **parameters)
    line = str(error.value)
    assert "\n" not in line and line.startswith("datasets.x: ")
    return line


def make_cifar10(folder: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> Path:
    """The official archive with two images a batch; returns its path."""
    batches = folder / CIFAR10.base_folder
    batches.mkdir(parents=True)
    lists = [name for name, _ in CIFAR10.train_list + CIFAR10.test_list]
    for i, name in enumerate(lists):
        rows = SMALL[2 * i : 2 * i + 2].transpose(0, 3, 1, 2).reshape(2, -1)
        (batches / name).write_bytes(pickle.dumps({"data": rows, "labels": [i, 9 - i]}))
    names = {"label_names": list("abcdefghij")}
    (batches / "batches.meta").write_bytes(pickle.dumps(names))
    archive = folder / CIFAR10.filename
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(batches, CIFAR10.base_folder)
    hashed = [[name, md5(batches / name)] for name in lists]
    meta = {**CIFAR10.meta, "md5": md5(batches / "batches.meta")}
    for name, value in (
        *(("train_list", hashed[:-1]), ("test_list", hashed[-1:]), ("meta", meta)),
        *(("tgz_md5", md5(archive)), ("url", f"{url}/{CIFAR10.filename}")),
    ):
        monkeypatch.setattr(CIFAR10, name, value)
    return archive


def make_stl10(folder: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> Path:
    """The official archive with two images a split; returns its path."""
    files = folder / STL10.base_folder
    files.mkdir(parents=True)
    for i, split in enumerate(("train", "test", "unlabeled")):
        # As a file of Matlab: each channel, column by column.
        images = LARGE[2 * i : 2 * i + 2].transpose(0, 3, 2, 1)
        (files / f"{split}_X.bin").write_bytes(images.tobytes())
        (files / f"{split}_y.bin").write_bytes(bytes([1, 10]))
    (files / "unlabeled_y.bin").unlink()
    (files / "class_names.txt").write_text("\n".join("abcdefghij") + "\n")
    archive = folder / STL10.filename
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(files, STL10.base_folder)
    for name in ("train_list", "test_list"):
        hashed = [[name, md5(files / name)] for name, _ in getattr(STL10, name)]
        monkeypatch.setattr(STL10, name, hashed)
    monkeypatch.setattr(STL10, "tgz_md5", md5(archive))
    monkeypatch.setattr(STL10, "url", f"{url}/{STL10.filename}")
    return archive


def make_celeba(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The official archive and list of six faces; returns their folder."""
    folder = root / "celeba"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(folder / celeba.ARCHIVE, "w") as archive:
        for i, face in enumerate(FACES):
            with archive.open(f"img_align_celeba/{i + 1:06}.jpg", "w") as file:
                Image.fromarray(face).save(file, "PNG")
    lines = [f"{i + 1:06}.jpg {part}\n" for i, part in enumerate([0, 0, 0, 1, 2, 2])]
    (folder / celeba.PARTITION).write_text("".join(lines))
    names = (celeba.ARCHIVE, celeba.PARTITION)
    listed = [("key", md5(folder / name), name) for name in names]
    monkeypatch.setattr(torchvision.datasets.CelebA, "file_list", listed)
    return folder
