"""Networks of torchvision and timm: their taps, unchanged by later layers, with gradients."""

import copy
from pathlib import Path

import pytest
import timm
import torch
import torchvision
from builders.extractor_files import line
from builders.networks import images, normalized, random_adapter, relative_error
from torch import Tensor, nn

from gfmn.features.extractor import Extractor, load_extractor
from gfmn.networks import describe
from gfmn.networks.adapters import Adapter
from gfmn.networks.extractor_file import NetworkRecord, save_extractor
from gfmn.networks.tap_gradients import AffineGradient

# Architecture, arguments, pixels: an activation in place, a sum in place, depthwise, attention.
MODELS: list[tuple[str, dict[str, object], int]] = [
    ("timm:test_resnet", {}, 64),
    ("timm:test_resnet", {"taps": "activations"}, 64),
    ("timm:test_efficientnet", {"taps": "activations"}, 64),
    ("timm:test_convnext", {}, 64),
    ("timm:test_vit", {"resize": 160}, 32),
    ("torchvision:resnet18", {"taps": "activations"}, 64),
    ("torchvision:mobilenet_v3_small", {"taps": "activations"}, 64),
    ("torchvision:resnet18", {"taps": ["bn1", "layer1.0.bn2", "layer2.0.downsample"]}, 64),
]


def module_of(network: nn.Module) -> nn.Module:
    assert isinstance(network, Adapter)
    return network.module


def taken_by_hooks(network: Adapter, x: Tensor) -> list[Tensor]:
    """Copies of the taps, at the moment when each is there: what later layers do is too late."""
    counts: dict[str, int] = {}
    found: dict[str, Tensor] = {}

    def hook(name: str):  # type: ignore[no-untyped-def]
        def call(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            counts[name] = counts.get(name, 0) + 1
            found[name if counts[name] == 1 else f"{name}:{counts[name]}"] = output.clone()

        return call

    modules = dict(network.module.named_modules())
    names = {tap.partition(":")[0] for tap in network.tap_names}
    handles = [modules[name].register_forward_hook(hook(name)) for name in names]
    network.module(network.normalize(x))
    for handle in handles:
        handle.remove()
    return [found[name] for name in network.tap_names]


@pytest.mark.parametrize(("architecture", "arguments", "size"), MODELS)
def test_taps_equal_copies_taken_by_hooks(
    architecture: str, arguments: dict[str, object], size: int
) -> None:
    network = random_adapter(architecture, **arguments)
    x = images(size)
    taps, expected = network(x), taken_by_hooks(network, x)
    assert len(taps) == len(expected) == len(network.tap_names) > 0
    for tap, reference in zip(taps, expected, strict=True):
        if reference.ndim == 3:
            reference = reference.transpose(1, 2).unsqueeze(-1)
        assert tap.ndim == 4 and torch.equal(tap, reference.reshape(tap.shape))
    assert [tuple(tap.shape[1:]) for tap in taps] == network.tap_shapes(size)
    for tap, short in zip(taps, network(x, depth=2), strict=False):
        assert torch.equal(tap, short)


def test_tap_changed_by_a_sum_in_place_is_copied() -> None:
    network = random_adapter("timm:resnet18", taps=["layer1.0.bn2", "layer1.0"])
    assert network.copied == {"layer1.0.bn2"}
    first, second = network(images(64))
    assert first.min() < 0 <= second.min()


def test_timm_stages_equal_its_feature_extraction() -> None:
    network = random_adapter("timm:test_resnet")
    theirs = timm.create_model("test_resnet", features_only=True).eval()
    theirs.load_state_dict(network.module.state_dict(), strict=False)
    config = network.module.pretrained_cfg
    x = images(64)
    inputs = torchvision.transforms.functional.normalize(x, config["mean"], config["std"])
    with torch.no_grad():
        for tap, expected in zip(network(x), theirs(inputs), strict=True):
            assert relative_error(tap, expected) < 1e-5


def test_torchvision_resnet18_has_17_activations() -> None:
    network = random_adapter("torchvision:resnet18", taps="activations")
    names = network.tap_names
    assert len(names) == 17 and names[1:3] == ("layer1.0.relu", "layer1.0.relu:2")
    theirs = torchvision.models.resnet18(weights=None).eval()
    theirs.load_state_dict(network.module.state_dict())
    x = theirs.relu(theirs.bn1(theirs.conv1(normalized(images(64)))))
    with torch.no_grad():
        last = theirs.layer4(theirs.layer3(theirs.layer2(theirs.layer1(theirs.maxpool(x)))))
        assert relative_error(network(images(64))[-1], last) < 1e-5


def extractor(network: Adapter, size: int, precision: str = "fp32") -> Extractor:
    names = {"net": network.tap_names}
    return Extractor({"net": network}, names, size, {"net": precision}, "")


@pytest.mark.parametrize(("architecture", "arguments", "size"), MODELS)
def test_image_gradient_equals_autograd(
    architecture: str, arguments: dict[str, object], size: int
) -> None:
    network = random_adapter(architecture, **arguments)
    frozen = extractor(network, size)
    x = images(size).requires_grad_()
    taps = frozen(x)
    torch.manual_seed(1)
    pairs = [(torch.randn(tap[0].numel()), torch.randn(tap[0].numel())) for tap in taps]
    loss = torch.zeros(())
    for tap, (offset, scale) in zip(taps, pairs, strict=True):
        rows = tap.permute(0, 2, 3, 1).reshape(len(tap), -1)
        loss = loss + ((offset + scale * rows).detach() * rows).sum()
    (expected,) = torch.autograd.grad(loss, x)
    frozen.backward(frozen(x), [AffineGradient(*pair) for pair in pairs])
    assert x.grad is not None
    assert relative_error(x.grad, expected) < 1e-4


@pytest.mark.parametrize("architecture", ["timm:test_resnet", "timm:test_convnext"])
def test_adapter_in_bf16_runs_under_autocast(architecture: str) -> None:
    network = random_adapter(architecture)
    exact = network(images(64))
    rounded = extractor(network, 64, "bf16")(images(64))
    for tap, expected in zip(rounded, exact, strict=True):
        assert 1e-4 < relative_error(tap.float(), expected) < 0.05


def test_adapter_in_batch_mode_uses_statistics_of_batch() -> None:
    network = random_adapter("timm:test_resnet")
    x = images(64, count=4)
    trained = copy.deepcopy(network)
    for module in trained.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train()
    expected = trained(x)
    network.freeze("batch")
    assert not network.training
    for tap, reference in zip(network(x), expected, strict=True):
        assert relative_error(tap, reference) < 1e-5


@pytest.mark.parametrize(
    ("architecture", "arguments", "parts"),
    [
        ("timm:test_resnett", {}, ["timm has no model", "did you mean 'test_resnet'"]),
        ("torchvision:resnet81", {}, ["torchvision has no model", "did you mean 'resnet18'"]),
        ("timm:test_resnet", {"taps": ["layer9"]}, ["no module 'layer9'", "did you mean 'layer"]),
        ("timm:test_resnet", {"taps": ["act1:2"]}, ["no call 'act1:2'", "did you mean 'act1'"]),
        ("timm:test_resnet", {"taps": "stage"}, ["'stages', 'activations'", "found 'stage'"]),
        ("timm:test_vit", {}, ["expected resize 160", "found None"]),
        ("torchvision:densenet121", {}, ["no stages"]),
    ],
)
def test_unknown_model_tap_or_size_is_one_line(
    architecture: str, arguments: dict[str, object], parts: list[str]
) -> None:
    message = line(lambda: describe(architecture, **arguments))
    assert all(part in message for part in parts), message


def test_image_size_too_small_is_one_line() -> None:
    message = line(describe("torchvision:alexnet", taps="activations").tap_shapes, 16)
    assert "torchvision:alexnet: takes no images of 16 px without `resize`" in message


@pytest.mark.parametrize("architecture", ["timm:test_resnet", "torchvision:swin_t"])
def test_extractor_file_keeps_adapter_and_its_buffers(architecture: str, tmp_path: Path) -> None:
    arguments = {"taps": ["features.1"]} if "swin" in architecture else {}
    network = random_adapter(architecture, **arguments)
    path = tmp_path / "net.safetensors"
    save_extractor(path, [NetworkRecord("net", architecture, network.state_dict(), {}, arguments)])
    loaded = load_extractor(path, 64, precision="fp32")
    assert [tap.name for tap in loaded.taps] == [f"net.{name}" for name in network.tap_names]
    for tap, expected in zip(loaded(images(64)), network(images(64)), strict=True):
        assert torch.equal(tap, expected)


def test_distilled_timm_model_gives_the_mean_of_both_heads() -> None:
    torch.manual_seed(0)
    network = Adapter("timm", "deit_tiny_distilled_patch16_224", taps=[], resize=224, classes=7)
    images = torch.rand(1, 3, 224, 224)
    with torch.no_grad():
        features, logits = network.embed(images)
        theirs = network.module(network.normalize(images))
        tokens = network.module.forward_features(network.normalize(images))
    assert features.shape == (1, 192) and logits is not None and logits.shape == (1, 7)
    torch.testing.assert_close(logits, theirs)
    heads = network.module.head(tokens[:, 0]), network.module.head_dist(tokens[:, 1])
    torch.testing.assert_close(logits, sum(heads) / 2)
