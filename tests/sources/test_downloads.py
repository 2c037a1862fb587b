"""The published data sets in their official layouts, made small; nothing here leaves the machine.

Servers are on this machine's own address, and hashes are those of the small files.
"""

import functools
import hashlib
import http.server
import pickle
import sys
import tarfile
import threading
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torchvision
from PIL import Image
from torchvision.transforms import v2

from gfmn import sources
from gfmn.common.errors import InputError
from gfmn.datasets import prepared
from gfmn.sources import celeba

CIFAR10, STL10 = torchvision.datasets.CIFAR10, torchvision.datasets.STL10
RNG = np.random.default_rng(3)
SMALL = RNG.integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)
LARGE = RNG.integers(0, 256, (6, 96, 96, 3), dtype=np.uint8)
CLOSED = "http://127.0.0.1:9"  # the port that discards, where nobody listens


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    monkeypatch.setattr(urllib.request, "_opener", opener)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """An address, and the folder that is served there."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}", folder
        running.shutdown()


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
    """The official archive with two pictures a batch; returns its path."""
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
    """The official archive with two pictures a split; returns its path."""
    files = folder / STL10.base_folder
    files.mkdir(parents=True)
    for i, split in enumerate(("train", "test", "unlabeled")):
        # As a file of Matlab: each channel, column by column.
        pictures = LARGE[2 * i : 2 * i + 2].transpose(0, 3, 2, 1)
        (files / f"{split}_X.bin").write_bytes(pictures.tobytes())
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


def test_cifar10_in_place_is_read_without_a_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_cifar10(tmp_path / "root", monkeypatch, CLOSED).unlink()
    data = prepare(tmp_path, source="cifar10")
    assert (data.images == SMALL[:10]).all() and data.metadata["classes"] == list("abcdefghij")
    assert data.labels is not None and data.labels.tolist() == [0, 9, 1, 8, 2, 7, 3, 6, 4, 5]
    assert (prepare(tmp_path, source="cifar10", split="test").images == SMALL[10:]).all()


def test_cifar10_is_downloaded_and_an_interrupted_download_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: tuple[str, Path]
) -> None:
    archive = make_cifar10(server[1], monkeypatch, server[0])
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / archive.name).write_bytes(archive.read_bytes()[:100])
    assert (prepare(tmp_path, source="cifar10").images == SMALL[:10]).all()


def test_stl10_is_downloaded_and_an_interrupted_download_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: tuple[str, Path]
) -> None:
    archive = make_stl10(server[1], monkeypatch, server[0])
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / archive.name).write_bytes(archive.read_bytes()[:100])
    data = prepare(tmp_path, source="stl10", image_size=96)
    assert (data.images == LARGE[4:]).all() and data.labels is None


@pytest.mark.parametrize(("split", "start"), [("train", 0), ("test", 2), ("unlabeled", 4)])
def test_stl10_is_stored_column_by_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, split: str, start: int
) -> None:
    make_stl10(tmp_path / "root", monkeypatch, CLOSED).unlink()
    data = prepare(tmp_path, source="stl10", split=split, image_size=96)
    assert (data.images == LARGE[start : start + 2]).all()
    labels = None if data.labels is None else data.labels.tolist()
    assert labels == (None if split == "unlabeled" else [0, 9])
    assert data.metadata["classes"] == (None if split == "unlabeled" else list("abcdefghij"))
    theirs = STL10(str(tmp_path / "root"), split=split)
    assert (np.stack([np.asarray(picture) for picture, _ in theirs]) == data.images).all()


@pytest.mark.parametrize("size", [32, 48])
def test_stl10_is_scaled_as_torchvision_scales(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    make_stl10(tmp_path / "root", monkeypatch, CLOSED)
    data = prepare(tmp_path, source="stl10", image_size=size)
    resize = v2.Resize(size)
    expected = [np.asarray(resize(Image.fromarray(picture))) for picture in LARGE[4:]]
    assert (data.images == np.stack(expected)).all()


def test_stl10_of_a_wrong_size_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_stl10(tmp_path / "root", monkeypatch, CLOSED)
    path = tmp_path / "root" / STL10.base_folder / "unlabeled_X.bin"
    path.write_bytes(path.read_bytes()[:-1])
    hashed = [[name, md5(path.with_name(name))] for name, _ in STL10.train_list]
    monkeypatch.setattr(STL10, "train_list", hashed)
    assert "unlabeled_X.bin: expected pictures of 27648" in refusal(tmp_path, source="stl10")


@pytest.mark.parametrize("source", ["cifar10", "stl10"])
def test_without_a_network_one_line_says_what_to_put_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    cls = CIFAR10 if source == "cifar10" else STL10
    monkeypatch.setattr(cls, "url", f"{CLOSED}/{cls.filename}")
    line = refusal(tmp_path, source=source)
    assert f"expected {cls.filename} (md5 {cls.tgz_md5}) from {CLOSED}/" in line
    assert "refused" in line and line.endswith(f"put it in {tmp_path / 'root'}")


@pytest.mark.parametrize("source", ["cifar10", "stl10"])
def test_a_download_with_another_hash_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: tuple[str, Path], source: str
) -> None:
    cls, make = (CIFAR10, make_cifar10) if source == "cifar10" else (STL10, make_stl10)
    archive = make(server[1], monkeypatch, server[0])
    archive.write_bytes(archive.read_bytes()[:-50])
    line = refusal(tmp_path, source=source)
    assert cls.tgz_md5 in line and "corrupted" in line
    archive.unlink()
    assert "404" in refusal(tmp_path, source=source)


def test_a_damaged_file_of_an_extracted_archive_is_never_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_stl10(tmp_path / "root", monkeypatch, CLOSED)
    path = tmp_path / "root" / STL10.base_folder / "unlabeled_X.bin"
    whole = path.read_bytes()
    path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    assert (prepare(tmp_path, source="stl10", image_size=96).images == LARGE[4:]).all()
    assert path.read_bytes() == whole


FACES = [RNG.integers(0, 256, (218, 178, 3), dtype=np.uint8) for _ in range(6)]


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


@pytest.mark.parametrize("size", [64, 128])
def test_celeba_is_extracted_cropped_and_scaled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    make_celeba(tmp_path / "root", monkeypatch)
    data = prepare(tmp_path, source="celeba", image_size=size)
    rule = v2.Compose([v2.CenterCrop(160), v2.Resize(size)])
    expected = np.stack([np.asarray(rule(Image.fromarray(face))) for face in FACES])
    assert (data.images == expected).all() and data.metadata["crop"] == 160 and data.labels is None


@pytest.mark.parametrize(("split", "faces"), [("all", 6), ("train", 3), ("valid", 1), ("test", 2)])
def test_celeba_has_the_official_splits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, split: str, faces: int
) -> None:
    make_celeba(tmp_path / "root", monkeypatch)
    assert len(prepare(tmp_path, source="celeba", split=split).images) == faces


def test_celeba_half_extracted_is_extracted_again_or_named(
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
def test_celeba_without_a_download_is_one_line(
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
