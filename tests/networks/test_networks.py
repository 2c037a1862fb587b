"""The frozen networks against independent implementations with the same random weights."""

import itertools
import math

import pytest
import timm
import torch
import torchvision
from builders.networks import images, lively, normalised, relative_error
from torch import Tensor, nn

from gfmn.common.errors import InputError
from gfmn.networks import ARCHITECTURES, TappedNetwork, build, describe
from gfmn.networks.base import ConvNorm

LITES = {
    "efficientnet_lite0": "tf_efficientnet_lite0",
    "efficientnet_lite2": "tf_efficientnet_lite2",
}


def values(network: TappedNetwork, size: int) -> int:
    return sum(c * h * w for c, h, w in network.tap_shapes(size))


def same_weights(ours: TappedNetwork, theirs: nn.Module) -> None:
    """Give ours their weights; both register their layers in forward order."""
    state = zip(ours.state_dict(), theirs.state_dict().values(), strict=False)
    ours.load_state_dict(dict(state))


@pytest.mark.parametrize(("name", "count"), [("vgg16", 13), ("vgg19_bn", 16)])
def test_vgg_taps_are_those_of_torchvision_before_and_after_folding(name: str, count: int) -> None:
    theirs = lively(getattr(torchvision.models, name)(weights=None)).features
    ours = build(name).eval().requires_grad_(False)
    same_weights(ours, theirs)
    x, expected = normalised(images(32)), []
    for layer in theirs:
        x = layer(x)
        if isinstance(layer, nn.ReLU):
            expected.append(x.clone())
    for _ in range(2):
        taps = ours(images(32))
        assert len(taps) == len(expected) == len(ours.tap_names) == count
        for tap, reference in zip(taps, expected, strict=True):
            assert relative_error(tap, reference) < 1e-5
        ours.freeze()


@pytest.mark.parametrize("size", [32, 64])
def test_resnet18_taps_are_those_of_torchvision_with_a_small_stem(size: int) -> None:
    theirs = torchvision.models.resnet18(weights=None)
    theirs.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    theirs.maxpool = nn.Identity()
    lively(theirs)
    expected: list[Tensor] = []
    for module in theirs.modules():  # one ReLU module serves both halves of a block
        if isinstance(module, nn.ReLU):
            module.register_forward_hook(lambda *call: expected.append(call[-1].clone()))
    theirs(normalised(images(size)))
    ours = build("resnet18").eval().requires_grad_(False)
    same_weights(ours, theirs)
    for _ in range(2):
        taps = ours(images(size))
        assert len(taps) == len(expected) == len(ours.tap_names) == 17
        for tap, reference in zip(taps, expected, strict=True):
            assert relative_error(tap, reference) < 1e-5
        ours.freeze()


@pytest.mark.parametrize("size", [64, 75])
@pytest.mark.parametrize("name", LITES)
def test_lite_features_and_logits_are_those_of_timm_at_even_and_odd_sizes(
    name: str, size: int
) -> None:
    theirs = lively(timm.create_model(LITES[name], pretrained=False))
    ours = build(name).eval()
    same_weights(ours, theirs)
    x = images(size)
    inputs = (x * 255 - 127) / 128
    blocks: list[Tensor] = []
    for block in itertools.chain(*theirs.blocks):
        block.register_forward_hook(lambda *call: blocks.append(call[-1]))
    with torch.no_grad():
        pooled, logits = ours.pooled_and_logits(x)
        reference = theirs.forward_head(theirs.forward_features(inputs), pre_logits=True)
        assert relative_error(pooled, reference) < 1e-4
        assert relative_error(logits, theirs(inputs)) < 1e-4
        taps = dict(zip(ours.tap_names, ours(x), strict=True))
    torch.testing.assert_close(taps["head"].mean((2, 3)), pooled)
    outputs = [tap for name, tap in taps.items() if name.endswith("_output")]
    for tap, block in zip(outputs, blocks[: len(outputs)], strict=True):
        assert relative_error(tap, block) < 1e-4


@pytest.mark.parametrize(
    ("name", "size", "taps", "count"),
    [
        ("vgg16", 32, 13, 65536 * 2 + 32768 * 2 + 16384 * 3 + 8192 * 3 + 2048 * 3),
        ("vgg19_bn", 32, 16, 303_104),
        ("resnet18", 32, 17, 557_056),
        ("efficientnet_lite0", 64, 49, 550_016),
        ("dcgan_encoder", 32, 5, 61_440),
    ],
)
def test_a_network_has_its_known_number_of_features(
    name: str, size: int, taps: int, count: int
) -> None:
    network = describe(name)
    assert len(network.tap_names) == len(set(network.tap_names)) == taps
    assert values(network, size) == count


@pytest.mark.parametrize(
    ("size", "vgg19", "resnet18"),
    [(32, 303_104, 548_864), (64, 1_212_416, 2_195_456), (128, 4_849_664, 8_781_824)],
)
def test_the_papers_pair_has_its_published_number_of_features(
    size: int, vgg19: int, resnet18: int
) -> None:
    for name, count in (("vgg19_bn", vgg19), ("resnet18", resnet18)):
        shapes = describe(name).tap_shapes(size)[:16]
        assert sum(map(math.prod, shapes)) == count
    assert size != 32 or vgg19 + resnet18 == 832 * 1024


def test_the_first_n_taps_of_vgg19_have_table_3s_number_of_features() -> None:
    counts = list(itertools.accumulate(map(math.prod, describe("vgg19_bn").tap_shapes(32))))
    printed = {1: 64, 3: 160, 5: 208, 7: 240, 9: 264, 11: 280, 13: 290, 15: 294, 16: 296}
    assert {n: counts[n - 1] // 1024 for n in printed} == printed


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_later_layers_change_no_tap_and_depth_changes_no_value(name: str) -> None:
    network = lively(build(name))
    x = images(32)
    for _ in range(2):
        early = []
        for tap in network.activations(network.normalise(x)):
            early.append((tap, tap.clone()))
        for tap, copy in early:
            assert torch.equal(tap, copy)
        for tap, short in zip(network(x), network(x, depth=3), strict=False):
            assert torch.equal(tap, short)
        assert len(network(x, depth=3)) == 3
        network.freeze()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_taps_have_the_shapes_that_were_foretold_and_their_order(name: str) -> None:
    network = lively(build(name))
    taps = network(images(32))
    assert [tuple(tap.shape[1:]) for tap in taps] == network.tap_shapes(32)
    assert all(tap.is_contiguous(memory_format=torch.channels_last) for tap in taps)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_nothing_is_computed_beyond_the_last_tap(name: str) -> None:
    network = lively(build(name))
    calls: list[nn.Module] = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda module, *_: calls.append(module))
    network(images(32), depth=2)
    assert len(calls) == 2


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_gradients_reach_the_images_through_every_tap(name: str) -> None:
    network = lively(build(name))
    x = images(32).requires_grad_()
    taps = network(x)
    for i in (0, len(taps) // 2, len(taps) - 1):
        (gradient,) = torch.autograd.grad(taps[i].sum(), x, retain_graph=True)
        assert gradient.abs().max() > 0


@pytest.mark.parametrize("name", ["vgg19_bn", "resnet18", "efficientnet_lite0", "dcgan_encoder"])
def test_folding_the_batch_norms_changes_no_tap(name: str) -> None:
    network = lively(build(name))
    x = images(32, count=4)
    before = network(x)
    network.freeze()
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    for folded, tap in zip(network(x), before, strict=True):
        assert relative_error(folded, tap) < 1e-4


@pytest.mark.parametrize(("size", "width"), [(32, 256), (48, 256), (64, 512), (128, 512)])
def test_the_encoder_ends_in_one_code_per_image(size: int, width: int) -> None:
    encoder, last = build("dcgan_encoder", image_size=size, latent=7).eval(), 4 + 2 * (size == 48)
    code = encoder.encode(images(size) * 2 - 1)
    assert code.shape == (2, 7)
    assert code.abs().max() < 1
    assert encoder.tap_shapes(size)[-1] == (width, last, last)
    assert not any("bias" in name for name, _ in encoder.named_parameters() if "conv" in name)


def test_the_encoder_begins_as_the_paper_does_and_learns_batch_statistics_in_training() -> None:
    torch.manual_seed(0)
    encoder = build("dcgan_encoder")
    unit = encoder.blocks["down3"]
    assert isinstance(unit, ConvNorm)
    assert unit.conv.weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert unit.norm.weight.mean().item() == pytest.approx(1, abs=0.01)
    assert unit.norm.weight.std().item() == pytest.approx(0.02, rel=0.2)
    before = unit.norm.running_var.clone()
    encoder.train().encode(images(32))
    trained = unit.norm.running_var.clone()
    assert not torch.equal(trained, before)
    encoder.eval()(images(32))
    assert torch.equal(unit.norm.running_var, trained)


def test_an_unknown_architecture_or_size_is_one_line_with_a_hint() -> None:
    with pytest.raises(
        InputError, match="no network architecture 'vgg61_bn'; did you mean 'vgg19_bn'"
    ):
        build("vgg61_bn")
    with pytest.raises(InputError, match="expected image_size 32, 48, 64, 128, found 40"):
        build("dcgan_encoder", image_size=40)
