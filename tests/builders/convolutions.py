"""Frozen convolutions with ReLU, their inputs, and what they must compute."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gfmn.networks.conv_relu import ConvReLU
from gfmn.networks.convolution_kernels import packs as packs_on
from gfmn.networks.rows import from_rows, rows
from gfmn.networks.tap_gradients import AffineGradient, inject_gradient

FP32, BF16 = torch.float32, torch.bfloat16
LAST = torch.channels_last
UNIT = {FP32: 2.0**-24, BF16: 2.0**-8}  # what one rounding changes at most, relative

packs = pytest.mark.skipif(
    not packs_on(torch.device("cpu")), reason="no packed convolutions in bf16 here"
)


def convolution(
    channels: int, out: int, dtype: torch.dtype, seed: int = 0, kernel: int = 3, stride: int = 1
) -> ConvReLU:
    """Frozen, with random weights."""
    torch.manual_seed(seed)
    layer = ConvReLU(channels, out, kernel, stride, padding=kernel // 2)
    torch.nn.init.kaiming_normal_(layer.weight)
    torch.nn.init.normal_(layer.bias, 0, 0.5)
    layer.freeze()
    return layer.to(dtype=dtype, memory_format=LAST)


def inputs(*shape: int, dtype: torch.dtype = FP32, seed: int = 1) -> Tensor:
    values = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return values.to(dtype).to(memory_format=LAST).requires_grad_()


def quarters(*shape: int, dtype: torch.dtype = FP32, seed: int = 2) -> Tensor:
    """Few-digit numbers: sums of their products with bf16 values are exact in float32."""
    generator = torch.Generator().manual_seed(seed)
    return (torch.randint(-8, 9, shape, generator=generator) / 4).to(dtype)


def exact(layer: ConvReLU, x: Tensor, absolute: bool = False) -> Tensor:
    """The convolution in float64; `absolute`: the sum of its terms' sizes."""
    assert layer.bias is not None
    parts = [part.detach().double() for part in (layer.weight, layer.bias)]
    weight, bias = (part.abs() for part in parts) if absolute else parts
    x = x.abs() if absolute else x
    return F.conv2d(x, weight, bias, layer.stride, layer.padding)


def assert_within(found: Tensor, expected: Tensor, bound: Tensor) -> None:
    excess = (found.detach().double() - expected.detach()).abs() - bound.detach()
    assert found.shape == expected.shape and excess.max() <= 0, float(excess.max())


def check_conv_relu(layer: ConvReLU, x: Tensor, residual: Tensor | None, inject: bool) -> None:
    """The value and the gradients against float64 with the same rounded inputs and weights.

    `inject`: with a gradient injected at the result. Tolerance: bf16 rounds the convolution and
    its sum with the residual once each, and so the gradient by the input; float32 sums of n terms
    stay within n units, but a few are usual.
    """
    unit, terms = UNIT[x.dtype], layer.weight[0].numel()
    sums = 2.0**-24 * (8 + math.sqrt(terms))
    y = layer(x, residual)
    x64 = x.detach().double().requires_grad_()
    convolved = total = exact(layer, x64)
    sources = [x64]
    if residual is not None:
        residual64 = residual.detach().double().requires_grad_()
        total = convolved + residual64
        sources.append(residual64)
    terms_size = exact(layer, x64, absolute=True)
    bound = 1.01 * unit * (convolved.abs() + total.abs()) + sums * terms_size
    assert y.dtype == x.dtype and y.is_contiguous(memory_format=LAST)
    assert_within(y, F.relu(total), bound)

    grad = quarters(*y.shape, dtype=x.dtype)
    by_y = grad.float()
    summands = grad.double().abs()
    if inject:
        offset, scale = (quarters(y[0].numel(), seed=seed) for seed in (3, 4))
        inject_gradient(y, AffineGradient(offset, scale))
        values = rows(y.detach()).float()
        by_y = by_y + from_rows(offset + scale * values, y.shape[1:])
        summands = summands + from_rows(offset.abs() + (scale * values).abs(), y.shape[1:])
    # Near 0 the sign of the sum depends on rounding, so the mask is that of the rounded value.
    by_total = torch.where(y > 0, by_y, 0).to(x.dtype)
    by_x64, *by_residual64 = torch.autograd.grad(total, sources, by_total.double())
    leaves = [x] if residual is None else [x, residual]
    by_x, *by_residual = torch.autograd.grad(y, leaves, grad)
    if residual is not None:
        assert_within(by_residual[0], by_residual64[0], 2.0**-22 * summands)
    weight = layer.weight.double().abs()
    size = torch.nn.grad.conv2d_input(x.shape, weight, summands, layer.stride, layer.padding)
    assert by_x.dtype == x.dtype
    assert_within(by_x, by_x64, 1.01 * unit * by_x64.abs() + (sums + 2e-6) * size + 1e-12)
