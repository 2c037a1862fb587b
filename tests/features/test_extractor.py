"""Extractors: what is loaded, computed and selected, and the gradient by the images."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders.extractor_files import combined_file, encoder_file, line, record
from builders.networks import relative_error
from torch import nn

from gfmn.features.extractor import check_image_size, load_extractor, select_taps
from gfmn.networks import build, describe
from gfmn.networks.extractor_file import file_digest
from gfmn.networks.tap_gradients import AffineGradient

NAMES = {"vgg": ("conv1_1", "conv1_2", "conv2_1"), "lite": ("stem", "head", "conv1_1")}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return encoder_file(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def both(encoder: Path) -> Path:
    return combined_file(encoder)


def images(count: int = 2, size: int = 32) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def test_extractor_taps_equal_network(encoder: Path) -> None:
    extractor = load_extractor(encoder, 32, precision="fp32")
    source = record("enc")
    network = build("dcgan_encoder").eval()
    network.load_state_dict(source.state)
    assert [tap.name for tap in extractor.taps] == [f"enc.{name}" for name in network.tap_names]
    assert sum(np.prod(tap.shape) for tap in extractor.taps) == 61_440
    assert extractor.digest == file_digest(encoder)
    for info, tap, expected in zip(
        extractor.taps, extractor(images()), network(images()), strict=True
    ):
        assert tuple(tap.shape[1:]) == info.shape
        torch.testing.assert_close(tap, expected, rtol=1e-3, atol=1e-4)
        assert tap.is_contiguous(memory_format=torch.channels_last)


def test_extractor_stays_frozen_and_passes_gradients(encoder: Path) -> None:
    extractor = load_extractor(encoder, 32, precision="fp32")
    holder = nn.Sequential(extractor).train()
    assert not any(module.training for module in extractor.modules())
    assert not any(parameter.requires_grad for parameter in holder.parameters())
    x = images().requires_grad_()
    torch.autograd.backward(extractor(x), [torch.ones_like(tap) for tap in extractor(x)])
    assert x.grad is not None and x.grad.abs().max() > 0


def test_combined_extractor_equals_its_networks(both: Path) -> None:
    paths = [both.with_name(f"{name}.safetensors") for name in ("enc", "lite")]
    extractors = [load_extractor(path, 32, precision="fp32") for path in paths]
    parts = [tap for extractor in extractors for tap in extractor(images())]
    extractor = load_extractor(both, 32, precision="fp32")
    assert len(extractor.taps) == len(parts) == 5 + 49
    for tap, expected in zip(extractor(images()), parts, strict=True):
        assert torch.equal(tap, expected)


def test_extractor_computes_selected_taps_in_forward_order(both: Path) -> None:
    chosen = ["lite.block01_depthwise", "down2", "enc.down1"]
    extractor = load_extractor(both, 32, chosen, "fp32")
    names = ["enc.down1", "enc.down2", "lite.block01_depthwise"]
    assert [tap.name for tap in extractor.taps] == names
    calls: list[nn.Module] = []
    for module in extractor.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda module, *_: calls.append(module))
    taps = extractor(images())
    assert len(calls) == 4 + 2
    everything = load_extractor(both, 32, "all", "fp32")
    known = dict(zip((tap.name for tap in everything.taps), everything(images()), strict=True))
    for name, tap in zip(names, taps, strict=True):
        assert torch.equal(tap, known[name])
    assert len(load_extractor(both, 32, 3, "fp32").taps) == 6


def test_extractor_in_bf16_is_near_fp32(both: Path) -> None:
    exact = load_extractor(both, 32, 5, "fp32")
    assert exact.precision == {"enc": "fp32", "lite": "fp32"}
    rounded = load_extractor(both, 32, 5, "bf16")
    assert rounded.precision == {"enc": "bf16", "lite": "bf16"}
    for tap, expected in zip(rounded(images()), exact(images()), strict=True):
        assert tap.dtype == torch.bfloat16 and expected.dtype == torch.float32
        assert (tap.float() - expected).norm() < 0.03 * expected.norm()
        assert not torch.equal(tap.float(), expected)


@pytest.mark.parametrize(
    ("taps", "expected"),
    [
        ("all", {"vgg": ("conv1_1", "conv1_2", "conv2_1"), "lite": ("stem", "head", "conv1_1")}),
        (2, {"vgg": ("conv1_1", "conv1_2"), "lite": ("stem", "head")}),
        (-2, {"vgg": ("conv1_2", "conv2_1"), "lite": ("head", "conv1_1")}),
        (
            ["head", "vgg.conv2_1", "vgg.conv1_1"],
            {"vgg": ("conv1_1", "conv2_1"), "lite": ("head",)},
        ),
        (["head"], {"vgg": (), "lite": ("head",)}),
    ],
)
def test_select_taps_by_number_and_name(taps: Any, expected: Mapping[str, Any]) -> None:
    assert select_taps(NAMES, taps, "x") == expected


@pytest.mark.parametrize(
    ("taps", "parts"),
    [
        (["vgg.conv3_1"], ["no 'conv3_1'", "3 taps of vgg", "did you mean 'conv2_1'"]),
        (["heed"], ["no 'heed'", "did you mean 'head'"]),
        (["vgv.conv1_1"], ["no network 'vgv'", "did you mean 'vgg'"]),
        (["conv1_1"], ["vgg.conv1_1 or lite.conv1_1", "ambiguous"]),
        (["head", "lite.head"], ["'lite.head' twice"]),
        (4, ["'vgg' has 3 taps", "found 4"]),
        (-4, ["'vgg' has 3 taps", "found -4"]),
        (0, ["found 0"]),
        ([], ["found []"]),
        ("every", ["'all'", "found 'every'"]),
    ],
)
def test_select_taps_refuses_unknown_tap_with_a_hint(taps: Any, parts: list[str]) -> None:
    message = line(select_taps, NAMES, taps, "params.yaml: runs.a.taps")
    assert message.startswith("params.yaml: runs.a.taps: ")
    assert all(part in message for part in parts), message


def test_check_image_size_refuses_other_sizes(encoder: Path) -> None:
    assert "expected images of 32 px, found 64 px" in line(load_extractor, encoder, 64)
    assert str(encoder) in line(load_extractor, encoder, 64)
    vgg16 = describe("vgg16")
    message = line(check_image_size, vgg16, 40, None, "params.yaml: datasets.a.image_size")
    assert (
        message == "params.yaml: datasets.a.image_size: expected a multiple of 16 px, found 40 px"
    )
    check_image_size(vgg16, 48, None, "x")
    check_image_size(describe("vgg16", resize=64), 40, None, "x")
    check_image_size(describe("efficientnet_lite0"), 33, None, "x")


def test_image_gradient_in_batch_mode_equals_training_mode(
    encoder: Path,
) -> None:
    frozen = load_extractor(encoder, 32, precision="fp32", batchnorm="batch")
    network = build("dcgan_encoder").train().requires_grad_(False)
    network.load_state_dict(record("enc").state)
    x = images(count=4).requires_grad_()
    torch.manual_seed(0)
    pairs = [
        (torch.randn(n := torch.Size(tap.shape).numel()), torch.zeros(n)) for tap in frozen.taps
    ]
    loss = torch.zeros(())
    for tap, (offset, _) in zip(network(x), pairs, strict=True):
        loss = loss + (tap.permute(0, 2, 3, 1).reshape(len(tap), -1) * offset).sum()
    (expected,) = torch.autograd.grad(loss, x)
    frozen.backward(frozen(x), [AffineGradient(*pair) for pair in pairs])
    assert x.grad is not None and relative_error(x.grad, expected) < 1e-4
