"""Data sets and their folder: deterministic, verified, in the range that they say."""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from gfmn import sources
from gfmn.common.errors import InputError
from gfmn.common.images import bytes_to_unit, grid, signed_to_bytes, unit_to_signed
from gfmn.datasets import prepared


def prepare(folder: Path, **parameters: object) -> prepared.PreparedDataset:
    config = sources.parse(parameters, "datasets.x")
    sources.prepare(config, "x", folder)
    return prepared.read(folder)


def digests(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


def test_photos_are_the_same_bytes_twice_and_others_with_another_seed(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        prepare(tmp_path / name, source="photos", count=40, seed=seed)
    a, b, c = (digests(tmp_path / name) for name in "abc")
    assert a == b and a["images.npy"] != c["images.npy"]


def test_photos_are_colourful_and_come_from_every_photograph(tmp_path: Path) -> None:
    data = prepare(tmp_path, source="photos", count=300)
    assert data.images.shape == (300, 32, 32, 3) and data.images.dtype == np.uint8
    labels = np.load(tmp_path / "labels.npy")
    assert set(labels) == set(range(11))
    assert data.images.std() > 50 and np.ptp(data.images[..., 0] - data.images[..., 2]) > 100


def test_digits_keep_classes_and_strokes(tmp_path: Path) -> None:
    data = prepare(tmp_path, source="digits", count=200)
    original = load_digits()
    assert (np.load(tmp_path / "labels.npy") == original.target[:200]).all()
    small = data.images[..., 0].reshape(200, 8, 4, 8, 4).mean((2, 4)).ravel()
    assert np.corrcoef(small, original.images[:200].ravel())[0, 1] > 0.95


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"cuont": 3}, "datasets.x.cuont: unknown key; did you mean 'count'?"),
        ({"count": "many"}, "datasets.x.count: expected a valid integer, found 'many'"),
        ({"count": 0}, "datasets.x.count: expected greater than or equal to 1, found 0"),
        ({"source": "photo"}, "datasets.x.source: unknown 'photo'; did you mean 'photos'?"),
    ],
)
def test_a_wrong_parameter_is_one_line_with_its_path(change: dict[str, object], line: str) -> None:
    with pytest.raises(InputError) as error:
        sources.parse({"source": "photos", **change}, "datasets.x")
    assert str(error.value) == line


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"flip": True}, "datasets.x.flip: unknown key; did you mean 'flips'?"),
        ({"broken": "ignore"}, "datasets.x.broken: expected 'fail' or 'skip', found 'ignore'"),
        ({"limit": 0}, "datasets.x.limit: expected greater than or equal to 1, found 0"),
        (
            {"crop": 32},
            "datasets.x.crop: expected more than image_size (32), or null, found 32",
        ),
        ({"path": None}, "datasets.x.path: expected a valid string, found None"),
    ],
)
def test_a_wrong_parameter_of_pictures_is_one_line(change: dict[str, object], line: str) -> None:
    with pytest.raises(InputError) as error:
        sources.parse({"source": "folder", "path": "pictures", **change}, "datasets.x")
    assert str(error.value) == line


def test_every_source_is_named_as_its_parameters_name_it() -> None:
    for name, (config, _) in {**sources.MADE, **sources.READ}.items():
        assert get_args(config.model_fields["source"].annotation) == (name,)


def test_the_heavy_packages_are_imported_only_by_the_sources_that_need_them() -> None:
    code = "import gfmn.datasets, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"torch", "torchvision", "lmdb", "pyarrow", "sklearn"}
    assert not heavy & set(done.stdout.split())


def test_what_is_described_leaves_out_the_number_of_processes(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((3, 8, 8, 3), np.uint8))
    data = prepare(tmp_path, source="npy", path=str(tmp_path / "a.npy"), image_size=8, workers=1)
    assert "workers" not in data.metadata and data.metadata["flips"] is False
    assert data.metadata["mean"] == data.metadata["std"] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("damage", ["meta.json", "images.npy", "truncate", "count"])
def test_a_damaged_folder_is_refused_and_names_the_file(tmp_path: Path, damage: str) -> None:
    prepare(tmp_path, source="digits", count=20)
    if damage == "truncate":
        path = tmp_path / "images.npy"
        path.write_bytes(path.read_bytes()[:5000])
    elif damage == "count":
        meta = tmp_path / "meta.json"
        meta.write_text(meta.read_text().replace('"count": 20', '"count": 21'))
    else:
        (tmp_path / damage).unlink()
    named = "meta.json" if damage == "meta.json" else "images.npy"
    with pytest.raises(InputError, match=named):
        prepared.read(tmp_path)


def test_every_byte_survives_the_way_to_signed_and_back() -> None:
    images = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    unit = bytes_to_unit(images)
    assert unit.min() == 0 and unit.max() == 1
    assert (signed_to_bytes(unit_to_signed(unit)) == images).all()


def test_bytes_to_unit_refuses_what_is_not_bytes() -> None:
    with pytest.raises(ValueError, match="uint8"):
        bytes_to_unit(torch.zeros(1, 3, 4, 4))


def test_a_grid_keeps_every_pixel_as_it_is() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 4, 4, 3), dtype=np.uint8)
    picture = grid(images, columns=3)
    assert picture.shape == (8, 12, 3)
    assert (picture[4:8, 4:8] == images[4]).all() and (picture[4:, 8:] == 255).all()
