"""`gfmn export`: the images of the ONNX file are PyTorch's, or there is no file."""

import copy
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders.commands import gfmn, refused
from builders.extractor_files import line
from builders.generator_files import saved

from gfmn.inference import onnx_export
from gfmn.inference.generator import TrainedGenerator, load
from gfmn.inference.onnx_export import Difference, compare, export

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
GENERATORS = {"bytes": "dcgan", "unit": "resnet"}  # by the range of the exported images
Exported = tuple[TrainedGenerator, Path, Difference]


@pytest.fixture(scope="module", params=GENERATORS)
def exported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """A generator, its file, and the difference that was measured."""
    folder = tmp_path_factory.mktemp("exported")
    saved(folder / "model", GENERATORS[request.param])
    generator = load(folder / "model")
    path = folder / "onnx/generator.onnx"
    return generator, path, generator.export(path, request.param)


def images(path: Path, z: torch.Tensor) -> np.ndarray:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"z": z.numpy()})
    return np.asarray(found)


@pytest.mark.parametrize("count", [1, 3, 70])
def test_onnxruntime_makes_the_generators_images(exported: Exported, count: int) -> None:
    generator, path, difference = exported
    z = generator.latents(count, seed=99)
    found, expected = images(path, z), generator(z).astype(int)
    if difference.values == "bytes":
        assert found.shape == (count, 32, 32, 3) and found.dtype == np.uint8
        assert abs(found.astype(int) - expected).max() <= 1
        assert (found != expected).mean() < 1e-3
    else:
        assert found.shape == (count, 3, 32, 32) and found.dtype == np.float32
        assert found.min() >= 0 and found.max() <= 1
        assert abs(found.transpose(0, 2, 3, 1) * 255 - expected).max() < 0.51


def test_file_has_weights_and_metadata_and_no_local_paths(
    exported: Exported,
) -> None:
    generator, path, difference = exported
    assert [other.name for other in path.parent.iterdir()] == ["generator.onnx"]
    model = onnx.load(path)
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert facts["latent"] == "16" and facts["image_size"] == "32"
    assert facts["batchnorm"] == "running statistics" and facts["run"] == generator.name
    assert ("uint8" in facts["output"]) == (difference.values == "bytes")
    assert str(Path(__file__).parents[2]).encode() not in path.read_bytes()
    (entry,) = model.graph.input
    first, second = entry.type.tensor_type.shape.dim
    assert first.dim_param and second.dim_value == 16


def test_difference_is_the_largest_from_pytorch(
    exported: Exported,
) -> None:
    generator, path, difference = exported
    assert difference.accepted and difference.images == 67
    assert "largest difference from PyTorch" in str(difference)
    assert compare(generator, path, difference.values) == difference
    found = images(path, generator.latents(64, seed=64)).astype(float)
    with torch.inference_mode():
        unit = (generator.network(generator.latents(64, seed=64)).double().numpy() + 1) / 2
    if difference.values == "bytes":
        levels = abs(found - np.rint(255 * unit).transpose(0, 2, 3, 1)).max()
        assert levels in (0, 1) and difference.largest >= levels - 1
    else:
        assert abs(found - unit).max() <= difference.largest + 1e-6


def test_file_of_other_weights_is_refused_and_removed(
    exported: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator, path, difference = exported
    other = copy.deepcopy(generator.network)
    with torch.no_grad():
        next(other.parameters()).mul_(1.1)
    monkeypatch.setattr(onnx_export, "_onnx_model", lambda *_: onnx.load(path))
    found = line(export, replace(generator, network=other), tmp_path / "a.onnx", difference.values)
    assert "a.onnx: expected PyTorch's images of onnxruntime, found: largest difference" in found
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("values", "largest", "differing", "accepted"),
    [
        ("bytes", 1.0, 1e-5, True),
        ("bytes", 1.0, 0.3, False),
        ("bytes", 2.0, 1e-5, False),
        ("unit", 1e-6, 0.9, True),
        ("unit", 1e-3, 0.9, False),
    ],
)
def test_only_few_bytes_may_differ_and_by_one_level(
    values: Any, largest: float, differing: float, accepted: bool
) -> None:
    assert Difference(values, 67, largest, differing).accepted == accepted


@pytest.mark.parametrize("package", onnx_export.PACKAGES)
def test_missing_package_is_named_with_the_extra(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(tmp_path / "model")
    monkeypatch.setitem(sys.modules, package, None)
    found = line(load(tmp_path / "model").export, tmp_path / "a.onnx")
    assert f"found no {package}; pip install onnx onnxruntime onnxscript" in found
    assert not (tmp_path / "a.onnx").exists()


def test_unknown_range_is_refused(tmp_path: Path) -> None:
    saved(tmp_path / "model")
    values: Any = "signed"
    assert "expected bytes or unit" in line(load(tmp_path / "model").export, "a.onnx", values)


def test_command_prints_the_difference(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.onnx"
    gfmn("export", model, out)
    expected = f"{out}: x, trained with seed 3; largest difference from PyTorch "
    assert capsys.readouterr().out.startswith(expected)
    before = out.read_bytes()
    assert "expected no file" in refused("export", model, out)
    assert out.read_bytes() == before
    assert refused("export", model, "a.pt") == (
        "error: OUT: expected a .onnx or an .html file, found a.pt"
    )
