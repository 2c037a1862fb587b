"""What every architecture keeps, and the numbers of features."""

import math

import pytest
import torch
from builders.networks import images, randomized
from torch import nn

from gfmn.common.errors import InputError
from gfmn.networks import FOR_EXTRACTORS, FOR_SCORES, TappedNetwork, build, describe


def values(network: TappedNetwork, size: int) -> int:
    return sum(c * h * w for c, h, w in network.tap_shapes(size))


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
def test_network_has_known_number_of_features(name: str, size: int, taps: int, count: int) -> None:
    network = describe(name)
    assert len(network.tap_names) == len(set(network.tap_names)) == taps
    assert values(network, size) == count


@pytest.mark.parametrize(
    ("size", "vgg19", "resnet18"),
    [(32, 303_104, 548_864), (64, 1_212_416, 2_195_456), (128, 4_849_664, 8_781_824)],
)
def test_vgg19_and_resnet18_have_feature_counts_of_paper(
    size: int, vgg19: int, resnet18: int
) -> None:
    for name, count in (("vgg19_bn", vgg19), ("resnet18", resnet18)):
        shapes = describe(name).tap_shapes(size)[:16]
        assert sum(map(math.prod, shapes)) == count
    assert size != 32 or vgg19 + resnet18 == 832 * 1024


@pytest.mark.parametrize("name", FOR_EXTRACTORS)
def test_taps_are_changed_neither_later_nor_by_depth(name: str) -> None:
    network = randomized(build(name))
    x = images(32)
    for _ in range(2):
        early = []
        for tap in network.activations(network.normalize(x)):
            early.append((tap, tap.clone()))
        for tap, copy in early:
            assert torch.equal(tap, copy)
        for tap, short in zip(network(x), network(x, depth=3), strict=False):
            assert torch.equal(tap, short)
        assert len(network(x, depth=3)) == 3
        network.freeze()


@pytest.mark.parametrize("name", FOR_EXTRACTORS)
def test_taps_have_tap_shapes_and_are_channels_last(name: str) -> None:
    network = randomized(build(name))
    taps = network(images(32))
    assert [tuple(tap.shape[1:]) for tap in taps] == network.tap_shapes(32)
    assert all(tap.is_contiguous(memory_format=torch.channels_last) for tap in taps)


@pytest.mark.parametrize("name", FOR_EXTRACTORS)
def test_depth_limits_what_is_computed(name: str) -> None:
    network = randomized(build(name))
    calls: list[nn.Module] = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda module, *_: calls.append(module))
    network(images(32), depth=2)
    assert len(calls) == 2


@pytest.mark.parametrize("name", FOR_EXTRACTORS)
def test_gradients_reach_images_through_taps(name: str) -> None:
    network = randomized(build(name))
    x = images(32).requires_grad_()
    taps = network(x)
    for i in (0, len(taps) // 2, len(taps) - 1):
        (gradient,) = torch.autograd.grad(taps[i].sum(), x, retain_graph=True)
        assert gradient.abs().max() > 0


def test_build_of_unknown_architecture_is_refused_with_a_hint() -> None:
    with pytest.raises(
        InputError, match="no network architecture 'vgg61_bn'; did you mean 'vgg19_bn'"
    ):
        build("vgg61_bn")


def test_build_gives_networks_for_scores_no_arguments() -> None:
    assert FOR_SCORES == ("inception_v3",) and not {*FOR_SCORES} & {*FOR_EXTRACTORS}
    with pytest.raises(InputError, match="inception_v3: expected no arguments, found resize 64"):
        build("inception_v3", resize=64)
