"""The folder of a reference: read as it was written, and another one refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders.extractor_files import line
from builders.features import normal

from gfmn.common import tensorfile
from gfmn.metrics import reference
from gfmn.metrics.config import ManifoldConfig, MetricsConfig
from gfmn.metrics.metric import Reference

CONFIG = MetricsConfig(manifold=ManifoldConfig(count=50))
FACTS = {"evaluator_digest": "cd", "settings": {"counts": [200]}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "reference", np.full(4, 0.25))


def write(folder: Path, frequencies: np.ndarray | None) -> Path:
    folder.mkdir()
    np.save(folder / "features.npy", normal(0, 80, 6))
    real = reference.fit(np.load(folder / "features.npy", mmap_mode="r"), CONFIG)
    held_out = {"pixel": np.arange(5.0), "feature": np.arange(7.0)}
    reference.save(Reference(real, frequencies, held_out, FACTS), folder)
    return folder


def test_load_gives_what_save_wrote(folder: Path) -> None:
    read = reference.load(folder, {"evaluator_digest": "cd"})
    real = reference.fit(normal(0, 80, 6), CONFIG)
    assert read.real.gaussian.root is not None and real.gaussian.root is not None
    for name in ("mean", "covariance", "root"):
        assert torch.equal(getattr(read.real.gaussian, name), getattr(real.gaussian, name))
    np.testing.assert_array_equal(read.real.radii, real.radii)
    np.testing.assert_array_equal(read.real.manifold, real.manifold)
    assert isinstance(read.real.features, np.memmap) and read.facts == FACTS
    assert read.class_frequencies is not None and read.class_frequencies.tolist() == [0.25] * 4
    assert {space: len(values) for space, values in read.held_out.items()} == {
        "pixel": 5,
        "feature": 7,
    }


def test_save_writes_the_same_bytes_again(folder: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    (again / "features.npy").write_bytes((folder / "features.npy").read_bytes())
    reference.save(reference.load(folder, {}), again)
    name = "reference.safetensors"
    assert (again / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.parametrize(
    ("key", "change", "found"),
    [
        ("mean", lambda v: v * torch.nan, "'mean': expected finite numbers, found NaN"),
        ("mean", lambda v: v.int(), "'mean': expected floating-point numbers, found int32"),
        ("covariance", lambda v: -v, "'covariance': expected 0 or more, found -"),
        ("root", lambda v: v[1:].clone(), "'root': expected the shape (6, 6), found (5, 6)"),
        ("radii", lambda v: v - 99, "'radii': expected 0 or more, found -"),
        ("manifold", lambda v: v + 80, "'manifold': expected numbers of 80 images, found others"),
        ("manifold", lambda v: v.double(), "'manifold': expected numbers of 80 images, found"),
        ("shares", lambda v: -v, "'shares': expected 0 or more, found -0.25"),
        ("held_out/pixel", lambda v: v / 0, "'held_out/pixel': expected finite numbers, found"),
        ("held_out/feature", None, "expected the tensor 'held_out/feature', found none"),
    ],
)
def test_load_refuses_a_tensor_that_is_not_what_its_name_says(
    folder: Path, key: str, change: Any, found: str
) -> None:
    path = folder / "reference.safetensors"
    tensors, facts = tensorfile.read(path), tensorfile.read_metadata(path, reference.FORMAT)
    value = tensors.pop(key)
    tensorfile.write(path, tensors | ({} if change is None else {key: change(value)}), facts)
    assert found in line(reference.load, folder, {})


def test_load_of_other_facts_is_a_one_line_error(folder: Path) -> None:
    message = line(reference.load, folder, {"evaluator_digest": "b"})
    path = folder / "reference.safetensors"
    assert message == f"{path}: expected evaluator_digest 'b', found 'cd'"


def test_load_of_broken_files_is_a_one_line_error(folder: Path) -> None:
    features, tensors = folder / "features.npy", folder / "reference.safetensors"
    features.write_bytes(features.read_bytes()[:500])
    message = line(reference.load, folder, {})
    assert message.startswith(f"{features}: expected 80 x 6 features, found")
    np.save(features, normal(0, 80, 5))
    assert line(reference.load, folder, {}) == (
        f"{features}: expected 80 x 6 float32, found 80 x 5 float32"
    )
    tensors.write_bytes(tensors.read_bytes()[:100])
    assert "expected a whole safetensors file" in line(reference.load, folder, {})


def test_load_without_a_classifier_has_no_class_frequencies(tmp_path: Path) -> None:
    assert reference.load(write(tmp_path / "plain", None), {}).class_frequencies is None
