"""Feature extractors used for evaluation: their weights, their size, their features."""

import hashlib
import io
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
import torch_fidelity
from builders.extractor_files import combined_file, encoder_file, line, record
from builders.project import parameters
from ruamel.yaml import YAML
from torch import nn
from torch.nn import functional as F

import gfmn
from gfmn.common.images import bytes_to_unit
from gfmn.metrics.evaluator import load_evaluator
from gfmn.networks import build, describe
from gfmn.networks.extractor_file import (
    NetworkRecord,
    file_digest,
    save_as_evaluator,
    save_extractor,
)
from gfmn.networks.inception import InceptionV3
from gfmn.weights.config import FetchedEvaluator
from gfmn.weights.convert import save_fetched

WHERE = "params.yaml: evaluator.fetched.x"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evaluators")


@pytest.fixture(scope="module")
def lite(folder: Path) -> Path:
    """EfficientNet-Lite0 with random weights that looks at 40 px."""
    made = record("lite", "efficientnet_lite0")
    path = folder / "lite.safetensors"
    arguments = {"resize": 40}
    save_extractor(path, [NetworkRecord("lite", made.architecture, made.state, {}, arguments)])
    return path


def images(count: int = 5, size: int = 32) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), np.uint8)


def fetched(folder: Path, architecture: str, state: dict[str, Any], **more: Any) -> Path:
    """A state dict as torch saves it, fetched into an evaluator's file."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    (folder / "published.pth").write_bytes(buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    source = {"kind": "file", "path": str(folder / "published.pth"), "sha256": digest}
    row = {"architecture": architecture, "source": {**source, "license": "none"}, **more}
    out = folder / "fetched.safetensors"
    save_fetched(out, "x", FetchedEvaluator.parse(row, WHERE), WHERE)
    return out


def test_features_are_those_of_resized_images_in_any_batch(lite: Path) -> None:
    evaluator = load_evaluator(lite)
    found = evaluator.features(images(), batch=2)
    assert found.pooled.shape == (5, 1280) and found.logits.shape == (5, 1000)
    assert found.pooled.dtype == found.logits.dtype == np.float32
    whole = evaluator.features(images())
    np.testing.assert_allclose(found.pooled, whole.pooled, rtol=1e-3, atol=1e-4)
    network = build("efficientnet_lite0").eval()
    network.load_state_dict(record(architecture="efficientnet_lite0").state)
    resized = F.interpolate(bytes_to_unit(images()), (40, 40), mode="bilinear", antialias=True)
    with torch.no_grad():
        pooled, logits = network.pooled_and_logits(resized)
    np.testing.assert_allclose(found.pooled, pooled.numpy(), rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(found.logits, logits.numpy(), rtol=1e-2, atol=1e-3)
    assert evaluator.digest == file_digest(lite) and evaluator.name == "lite"
    assert evaluator.resizer == "antialiased bilinear to 40 px"
    assert not evaluator.space.canonical and evaluator.trained_on is None


def test_features_in_files_equal_those_in_memory(lite: Path, tmp_path: Path) -> None:
    evaluator = load_evaluator(lite)
    here, there = evaluator.features(images()), evaluator.features(images(), tmp_path)
    assert isinstance(there.pooled, np.memmap) and len(there) == 5
    np.testing.assert_array_equal(here.pooled, np.load(tmp_path / "features.npy"))
    np.testing.assert_array_equal(here.logits, np.load(tmp_path / "logits.npy"))


def test_evaluator_from_extractor_has_its_last_tap_averaged(folder: Path) -> None:
    encoder = encoder_file(folder)
    out = folder / "own.safetensors"
    save_as_evaluator(encoder, "own", None, out)
    evaluator = load_evaluator(out)
    found = evaluator.features(images())
    network = build("dcgan_encoder").eval()
    network.load_state_dict(record("enc").state)
    with torch.no_grad():
        last = network(bytes_to_unit(images()))[-1]
    np.testing.assert_allclose(found.pooled, last.mean((2, 3)).numpy(), rtol=1e-3, atol=1e-4)
    assert found.logits is None and evaluator.name == "own"
    both = combined_file(encoder)
    assert "expected one network, found 2 (enc, lite)" in line(
        save_as_evaluator, both, "x", None, out
    )
    assert "expected one network, found 2" in line(load_evaluator, both)


@pytest.fixture(scope="module")
def inception() -> dict[str, torch.Tensor]:
    """Random weights in the published layout, of a size that keeps activations alive."""
    torch.manual_seed(0)
    network = InceptionV3()
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight)
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
    return {key.removeprefix("module."): value for key, value in network.state_dict().items()}


def test_inception_features_equal_torch_fidelitys(
    inception: dict[str, torch.Tensor], tmp_path: Path
) -> None:
    evaluator = load_evaluator(fetched(tmp_path, "inception_v3", inception))
    found = evaluator.features(images(3))
    theirs = torch_fidelity.utils.create_feature_extractor(
        "inception-v3-compat",
        ["2048", "logits_unbiased"],
        cuda=False,
        verbose=False,
        feature_extractor_weights_path=str(tmp_path / "published.pth"),
    )
    with torch.no_grad():
        expected = theirs(torch.from_numpy(images(3)).permute(0, 3, 1, 2))
    for ours, features in zip((found.pooled, found.logits), expected, strict=True):
        assert ours.std() > 1e-3
        np.testing.assert_allclose(ours, features.numpy(), rtol=1e-4, atol=1e-4 * ours.std())
    assert evaluator.resizer == "TensorFlow 1's bilinear to 299 px"


def test_only_inceptions_published_weights_are_canonical(
    inception: dict[str, torch.Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fetched(tmp_path, "inception_v3", inception)
    assert not load_evaluator(path).space.canonical
    digest = hashlib.sha256((tmp_path / "published.pth").read_bytes()).hexdigest()
    monkeypatch.setattr("gfmn.metrics.evaluator.INCEPTION_SHA256", digest)
    assert load_evaluator(path).space.canonical
    assert [tap.shape[1] for tap in describe("inception_v3")(torch.rand(1, 3, 9, 9, device="meta"))
            ] == [64, 192, 768, 2048]  # fmt: skip


def test_inception_with_a_size_or_another_layout_is_a_one_line_error(tmp_path: Path) -> None:
    sized = partial(fetched, resize=64)
    message = line(sized, tmp_path, "inception_v3", {})
    assert message.endswith("inception_v3: expected no arguments, found resize 64")
    message = line(fetched, tmp_path, "inception_v3", {"fc.weight": torch.zeros(3)})
    assert "expected the tensor 'module.Conv2d_1a_3x3.conv.weight', found none" in message
    assert "no published weights for 'inception'" in line(fetched, tmp_path, "inception", {})


def test_dinov2_features_equal_timms_at_224_pixels(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = timm.create_model("vit_small_patch14_dinov2", dynamic_img_size=True).eval()
    state = {**model.state_dict(), "mask_token": torch.zeros(1, 384)}
    path = fetched(tmp_path, "timm:vit_small_patch14_dinov2", state, resize=224)
    found = load_evaluator(path).features(images(2))
    x = F.interpolate(bytes_to_unit(images(2)), (224, 224), mode="bicubic", antialias=True)
    mean, std = (torch.tensor(model.pretrained_cfg[key]).view(3, 1, 1) for key in ("mean", "std"))
    with torch.no_grad():
        expected = model((x - mean) / std)
    np.testing.assert_allclose(found.pooled, expected.numpy(), rtol=1e-4, atol=1e-4)
    assert found.pooled.shape == (2, 384) and found.logits is None


@pytest.mark.parametrize("architecture", ["timm:test_resnet", "torchvision:mobilenet_v3_small"])
def test_library_classifier_gives_features_and_logits(architecture: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build(architecture, taps=(), classes=10)
    state = {key.removeprefix("module."): v for key, v in network.state_dict().items()}
    path = fetched(tmp_path, architecture, state, resize=64, classes=10)
    found = load_evaluator(path).features(images(2))
    network.freeze()
    x = F.interpolate(bytes_to_unit(images(2)), (64, 64), mode="bilinear", antialias=True)
    with torch.no_grad():
        expected = network.module(network.normalize(x))
    np.testing.assert_allclose(found.logits, expected.numpy(), rtol=1e-3, atol=1e-4)
    (last,) = [m for m in network.module.modules() if isinstance(m, nn.Linear)][-1:]
    logits = last(torch.from_numpy(found.pooled)).detach()
    np.testing.assert_allclose(found.logits, logits.numpy(), rtol=1e-3, atol=1e-4)


def test_every_evaluator_with_a_name_can_be_built() -> None:
    known = YAML(typ="safe").load(
        (Path(gfmn.__file__).parent / "metrics/evaluators.yaml").read_text()
    )
    assert {"lite0", "lite2", "inception", "dinov2"} <= set(known)
    for name, row in known.items():
        evaluator = FetchedEvaluator.parse(row, name)
        if name != "dinov2":  # of a billion bytes even without storage
            describe(evaluator.architecture, **evaluator.arguments)
    study = FetchedEvaluator.parse(parameters()["evaluators"]["fetched"]["lite2"], "params.yaml")
    assert FetchedEvaluator.parse(known["lite2"], "lite2") == study
