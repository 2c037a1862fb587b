"""A generator as an ONNX file: its images are PyTorch's, or there is no file."""

import copy
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders.extractor_files import line
from builders.generator_files import saved

from gfmn.inference import TrainedGenerator, load, onnx_export
from gfmn.inference.onnx_export import Check, compare, export

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
KINDS = {"bytes": "dcgan", "unit": "resnet"}


@pytest.fixture(scope="module", params=KINDS)
def exported(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainedGenerator, Path, Check]:
    """A generator, its file, and what was said of it."""
    folder = tmp_path_factory.mktemp("exported")
    saved(folder / "model", KINDS[request.param])
    generator = load(folder / "model")
    path = folder / "onnx/generator.onnx"
    return generator, path, generator.export(path, request.param)


def images(path: Path, z: torch.Tensor) -> np.ndarray:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"z": z.numpy()})
    return np.asarray(found)


@pytest.mark.parametrize("count", [1, 3, 70])
def test_onnxruntime_makes_the_generators_images_of_any_number_of_latents(
    exported: tuple[TrainedGenerator, Path, Check], count: int
) -> None:
    generator, path, check = exported
    z = generator.latents(count, seed=99)
    found, expected = images(path, z), generator(z).astype(int)
    if check.values == "bytes":
        assert found.shape == (count, 32, 32, 3) and found.dtype == np.uint8
        assert abs(found.astype(int) - expected).max() <= 1
        assert (found != expected).mean() < 1e-3
    else:
        assert found.shape == (count, 3, 32, 32) and found.dtype == np.float32
        assert found.min() >= 0 and found.max() <= 1
        assert abs(found.transpose(0, 2, 3, 1) * 255 - expected).max() < 0.51


def test_the_file_is_one_says_what_it_is_and_names_no_place_of_this_machine(
    exported: tuple[TrainedGenerator, Path, Check],
) -> None:
    generator, path, check = exported
    assert [other.name for other in path.parent.iterdir()] == ["generator.onnx"]
    model = onnx.load(path)
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert facts["latent"] == "16" and facts["image_size"] == "32"
    assert facts["batchnorm"] == "running statistics" and facts["run"] == generator.name
    assert ("uint8" in facts["output"]) == (check.values == "bytes")
    assert str(Path(__file__).parents[2]).encode() not in path.read_bytes()
    (entry,) = model.graph.input
    first, second = entry.type.tensor_type.shape.dim
    assert first.dim_param and second.dim_value == 16


def test_what_is_reported_is_the_largest_difference_from_pytorch(
    exported: tuple[TrainedGenerator, Path, Check],
) -> None:
    generator, path, check = exported
    assert check.passed and check.images == 67 and "largest difference from PyTorch" in str(check)
    assert compare(generator, path, check.values) == check
    found = images(path, generator.latents(64, seed=64)).astype(float)
    with torch.inference_mode():
        unit = (generator.network(generator.latents(64, seed=64)).double().numpy() + 1) / 2
    if check.values == "bytes":
        levels = abs(found - np.rint(255 * unit).transpose(0, 2, 3, 1)).max()
        assert levels in (0, 1) and check.largest >= levels - 1
    else:
        assert abs(found - unit).max() <= check.largest + 1e-6


def test_a_file_of_other_weights_is_refused_and_not_left_there(
    exported: tuple[TrainedGenerator, Path, Check], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator, path, check = exported
    other = copy.deepcopy(generator.network)
    with torch.no_grad():
        next(other.parameters()).mul_(1.1)
    monkeypatch.setattr(onnx_export, "_model", lambda *_: onnx.load(path))
    found = line(export, replace(generator, network=other), tmp_path / "a.onnx", check.values)
    assert "a.onnx: expected PyTorch's images of onnxruntime, found: largest difference" in found
    assert not list(tmp_path.iterdir())


def test_many_values_off_by_one_level_are_no_rounding() -> None:
    assert Check("bytes", 67, 1.0, 1e-5).passed and not Check("bytes", 67, 1.0, 0.3).passed
    assert not Check("bytes", 67, 2.0, 1e-5).passed
    assert Check("unit", 67, 1e-6, 0.9).passed and not Check("unit", 67, 1e-3, 0.9).passed


@pytest.mark.parametrize("package", onnx_export.PACKAGES)
def test_without_the_extra_one_line_says_what_to_install(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path / "model")
    monkeypatch.setitem(sys.modules, package, None)
    found = line(load(tmp_path / "model").export, tmp_path / "a.onnx")
    assert f"found no {package}; pip install onnx onnxruntime onnxscript" in found
    assert not (tmp_path / "a.onnx").exists()


def test_unknown_values_are_refused(tmp_path: Path) -> None:
    saved(tmp_path / "model")
    values: Any = "signed"
    assert "expected bytes or unit" in line(load(tmp_path / "model").export, "a.onnx", values)
