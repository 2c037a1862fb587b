"""Convolutions with batch norm: trained, and folded."""

import copy

import pytest
import torch
from builders.networks import images, randomized, relative_error
from torch import nn
from torch.nn import functional as F

from gfmn.networks import build
from gfmn.networks.conv_norm import ConvNorm, ConvNormReLU
from gfmn.networks.conv_relu import ConvReLU


@pytest.mark.parametrize("bias", [False, True])
def test_fold_keeps_values(bias: bool) -> None:
    torch.manual_seed(0)
    layer = randomized(ConvNorm(nn.Conv2d(4, 6, 3, stride=2, padding=1, bias=bias)))
    x = torch.randn(3, 4, 9, 9)
    before = layer(x)
    for _ in range(2):
        layer.fold()
        assert isinstance(layer.norm, nn.Identity) and type(layer.conv) is nn.Conv2d
        assert relative_error(layer(x), before) < 1e-5


@pytest.mark.parametrize("residual", [False, True])
def test_fold_makes_conv_relu(residual: bool) -> None:
    torch.manual_seed(0)
    layer = randomized(ConvNormReLU(nn.Conv2d(4, 6, 3, padding=1, bias=False)))
    plain = copy.deepcopy(layer)
    x, other = torch.randn(3, 4, 9, 9), torch.randn(3, 6, 9, 9) if residual else None
    total = plain.norm(plain.conv(x))
    expected = F.relu(total if other is None else total + other)
    assert torch.equal(layer(x, other), expected)
    for _ in range(2):
        layer.fold()
        assert isinstance(layer.conv, ConvReLU)
        assert relative_error(layer(x, other), expected) < 1e-5


@pytest.mark.parametrize("name", ["vgg19_bn", "resnet18", "efficientnet_lite0", "dcgan_encoder"])
def test_freeze_folds_every_batch_norm(name: str) -> None:
    network = randomized(build(name))
    x = images(32, count=4)
    before = network(x)
    network.freeze()
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    for folded, tap in zip(network(x), before, strict=True):
        assert relative_error(folded, tap) < 1e-4
