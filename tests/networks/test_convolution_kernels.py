"""Every implementation of a frozen convolution with ReLU, against float64."""

from unittest.mock import patch

import pytest
import torch
from builders.convolutions import BF16, FP32, check_conv_relu, convolution, inputs, packs
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gfmn.networks.conv_relu import ConvReLU
from gfmn.networks.convolution_kernels import DenseKernel, PackedKernel, PlainKernel, _to_strips


def check_kernel(
    kernel: type, layer: ConvReLU, x: Tensor, residual: Tensor | None, inject: bool
) -> None:
    """As `check_conv_relu`, and this implementation was used."""
    check_conv_relu(layer, x, residual, inject)
    assert layer.kernels is not None
    assert [type(used) for used in layer.kernels.values()] == [kernel]


cases = given(
    batch=st.integers(1, 19),
    channels=st.sampled_from([1, 3, 8, 20]),
    out=st.sampled_from([1, 5, 16, 32]),
    residual=st.booleans(),
    inject=st.booleans(),
    seed=st.integers(0, 99),
    data=st.data(),
)
briefly = settings(max_examples=30, deadline=None)


@briefly
@cases
def test_plain_kernel_equals_float64(
    batch: int, channels: int, out: int, residual: bool, inject: bool, seed: int, data
) -> None:
    kernel, stride = data.draw(st.sampled_from([(3, 1), (3, 2), (1, 2), (1, 1), (5, 1), (5, 2)]))
    height, width = data.draw(st.tuples(st.integers(3, 9), st.integers(3, 9)))
    layer = convolution(channels, out, FP32, seed, kernel, stride)
    x = inputs(batch, channels, height, width, seed=seed)
    shape = (batch, out, -(-height // stride), -(-width // stride))
    check_kernel(PlainKernel, layer, x, inputs(*shape) if residual else None, inject)


@briefly
@cases
def test_dense_kernel_equals_float64(
    batch: int, channels: int, out: int, residual: bool, inject: bool, seed: int, data
) -> None:
    size = data.draw(st.sampled_from([(1, 1), (2, 2), (1, 2), (3, 1), (1, 4)]))
    dtype = data.draw(st.sampled_from([FP32, BF16]))
    layer = convolution(channels, out, dtype, seed)
    x = inputs(batch, channels, *size, dtype=dtype, seed=seed)
    other = inputs(batch, out, *size, dtype=dtype) if residual else None
    check_kernel(DenseKernel, layer, x, other, inject)


@packs
@briefly
@cases
def test_packed_kernel_is_within_one_rounding(
    batch: int, channels: int, out: int, residual: bool, inject: bool, seed: int, data
) -> None:
    size = data.draw(st.sampled_from([(8, 8), (5, 4), (32, 32), (3, 17), (9, 12)]))
    layer = convolution(channels, out, BF16, seed)
    x = inputs(batch, channels, *size, dtype=BF16, seed=seed)
    other = inputs(batch, out, *size, dtype=BF16) if residual else None
    check_kernel(PackedKernel, layer, x, other, inject)


@packs
@settings(max_examples=50, deadline=None)
@cases
def test_packed_kernel_in_strips_keeps_images_apart(
    batch: int, channels: int, out: int, residual: bool, inject: bool, seed: int, data
) -> None:
    size = data.draw(st.sampled_from([(4, 4), (3, 3), (2, 4), (4, 2), (1, 5), (16, 1), (2, 8)]))
    layer = convolution(channels, out, BF16, seed)
    x = inputs(batch, channels, *size, dtype=BF16, seed=seed)
    other = inputs(batch, out, *size, dtype=BF16) if residual else None
    with patch("gfmn.networks.convolution_kernels._to_strips", wraps=_to_strips) as strips:
        check_kernel(PackedKernel, layer, x, other, inject)
    assert strips.call_count == 2  # forward and backward


@packs
@pytest.mark.parametrize("size", [2, 4, 8])
def test_kernels_take_any_memory_format(size: int) -> None:
    layer = convolution(8, 16, BF16)
    x = inputs(6, 8, size, size, dtype=BF16).detach().contiguous().requires_grad_()
    check_conv_relu(layer, x, None, inject=True)
    wide = inputs(6, 8, size, 2 * size, dtype=BF16).detach()[..., ::2].requires_grad_()
    check_conv_relu(layer, wide, None, inject=True)
    y = layer(x)
    (by_sum,) = torch.autograd.grad(y.sum(), x)  # a gradient without strides
    (by_ones,) = torch.autograd.grad(layer(x), x, torch.ones_like(y))
    assert torch.equal(by_sum, by_ones)


@pytest.mark.parametrize("dtype", [FP32, pytest.param(BF16, marks=packs)])
def test_kernels_take_any_batch(dtype: torch.dtype) -> None:
    layer = convolution(16, 16, dtype)
    for size in (8, 4, 2, 8):
        for batch in (8, 3, 64, 1):
            x = inputs(batch, 16, size, size, dtype=dtype, seed=batch)
            residual = inputs(batch, 16, size, size, dtype=dtype)
            check_conv_relu(layer, x, residual, inject=True)
    assert layer.kernels is not None and len(layer.kernels) == 3  # one for each size


def test_bf16_without_packed_weights_uses_plain_kernel() -> None:
    with patch("gfmn.networks.convolution_kernels.has_bf16", lambda device: False):
        layer, x = convolution(4, 4, BF16), inputs(3, 4, 8, 8, dtype=BF16)
        check_kernel(PlainKernel, layer, x, None, inject=True)
