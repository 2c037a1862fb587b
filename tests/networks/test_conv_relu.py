"""The layer of a convolution and its ReLU: trained, frozen, converted and copied."""

import copy
import pickle

import pytest
import torch
from builders.convolutions import BF16, FP32, check_conv_relu, convolution, inputs, packs
from torch import nn
from torch.nn import functional as F

from gfmn.networks.conv_relu import ConvReLU


@pytest.mark.parametrize("residual", [False, True])
def test_conv_relu_trains_until_it_is_frozen(residual: bool) -> None:
    torch.manual_seed(0)
    layer, x = ConvReLU(4, 4, 3, padding=1), inputs(3, 4, 8, 8)
    other = inputs(3, 4, 8, 8, seed=5) if residual else None
    layer(x, other).square().sum().backward()
    total = nn.Conv2d.forward(layer, x)
    expected = F.relu(total if other is None else total + other)
    by_weight, by_x = torch.autograd.grad(expected.square().sum(), (layer.weight, x))
    torch.testing.assert_close(layer.weight.grad, by_weight)
    torch.testing.assert_close(x.grad, by_x)
    layer.freeze()
    assert not any(weight.requires_grad for weight in layer.parameters())
    torch.testing.assert_close(layer(x, other), expected)


def test_conv_relu_from_convolution_shares_the_weights() -> None:
    convolution = nn.Conv2d(4, 6, (3, 1), (2, 1), (1, 0), groups=2, bias=False)
    x = inputs(2, 4, 8, 8)
    layer = ConvReLU.from_convolution(convolution)
    assert layer.weight is convolution.weight and layer.bias is None
    assert torch.equal(layer(x), F.relu(convolution(x)))


@packs
@pytest.mark.parametrize("size", [2, 4, 8])
def test_conv_relu_in_use_can_change_its_precision(size: int) -> None:
    layer = convolution(8, 8, FP32)
    for dtype in (FP32, BF16):
        layer.to(dtype)
        check_conv_relu(layer, inputs(4, 8, size, size, dtype=dtype), None, inject=False)


@pytest.mark.parametrize("size", [2, 4, 8])
def test_conv_relu_builds_each_kernel_once(size: int) -> None:
    layer = convolution(8, 8, FP32)
    x = inputs(4, 8, size, size)
    first = layer(x)
    (kernel,) = layer.kernels.values()
    assert torch.equal(layer(x), first)
    assert list(layer.kernels.values()) == [kernel]


@pytest.mark.parametrize("dtype", [FP32, pytest.param(BF16, marks=packs)])
def test_conv_relu_copy_has_its_own_kernels(dtype: torch.dtype) -> None:
    for size in (2, 4, 8):
        layer = convolution(4, 4, dtype)
        x = inputs(4, 4, size, size, dtype=dtype)
        before = layer(x)
        for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
            assert other.kernels == {}
            with torch.no_grad():
                other.weight.mul_(-1)  # before its first use, so no kernel has the weights yet
            check_conv_relu(other, x, None, inject=False)
            assert torch.equal(layer(x), before)


def test_conv_relu_computes_only_gradients_asked_for() -> None:
    layer = convolution(4, 4, FP32)
    x, residual = inputs(3, 4, 8, 8).detach(), inputs(3, 4, 8, 8)
    y = layer(x, residual)
    (by_residual,) = torch.autograd.grad(y.sum(), residual)
    assert torch.equal(by_residual, (y > 0).float())
    assert not layer(x).requires_grad
    with torch.no_grad():
        assert torch.equal(layer(x, residual), y)
