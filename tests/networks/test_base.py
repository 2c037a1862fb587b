"""Freezing, batch norm modes and resizing of tapped networks."""

import copy

import pytest
import torch
from builders.networks import images, randomized, relative_error
from torch import nn

from gfmn.networks import build


@pytest.mark.parametrize(
    "architecture", ["vgg11_bn", "resnet18", "efficientnet_lite0", "dcgan_encoder"]
)
def test_freeze_in_batch_mode_equals_training_mode(architecture: str) -> None:
    network = randomized(build(architecture))
    x = images(32, count=6)
    expected = copy.deepcopy(network).train()(x)
    frozen = copy.deepcopy(network)
    frozen.freeze("batch")
    for _ in range(2):  # nothing drifts from one pass to the next
        for tap, reference in zip(frozen(x), expected, strict=True):
            assert relative_error(tap, reference) < 1e-5
    network.freeze("eval")
    assert relative_error(network(x)[-1], expected[-1]) > 0.01


@pytest.mark.parametrize("architecture", ["vgg16", "timm:test_resnet"])
def test_resize_is_antialiased_and_differentiable(architecture: str) -> None:
    network = randomized(build(architecture, resize=48))
    plain = randomized(build(architecture))
    plain.load_state_dict(network.state_dict())
    x = images(96).requires_grad_()
    mode = network.interpolation
    small = nn.functional.interpolate(x, (48, 48), mode=mode, antialias=True)
    for tap, expected in zip(network(x), plain(small), strict=True):
        assert relative_error(tap.detach(), expected.detach()) < 1e-5
    (gradient,) = torch.autograd.grad(network(x)[-1].sum(), x)
    assert gradient.abs().min(1).values.count_nonzero() > 0.9 * gradient[:, 0].numel()
    assert network.tap_shapes(96) == plain.tap_shapes(48)
