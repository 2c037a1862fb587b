"""Frozen convolutions with ReLU, forward and backward, on every road."""

import copy
import math
from collections.abc import Iterator
from unittest.mock import patch

import pytest
import torch
from builders.convolutions import BF16, FP32, LAST, convolution, inputs, packs
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from gfmn.networks.conv_relu import _packs, _to_strips, conv_relu, enter
from gfmn.networks.rows import from_rows, rows

UNIT = {FP32: 2.0**-24, BF16: 2.0**-8}  # what one rounding changes at most, relative


@pytest.fixture(autouse=True)
def eager() -> Iterator[None]:
    """Compiled kernels have their own test, in other processes: see test_entering.py."""
    with patch("gfmn.common.compiling.compiler_present", lambda: False):
        yield


def quarters(*shape: int, dtype: torch.dtype = FP32, seed: int = 2) -> Tensor:
    """Few-digit numbers: sums of their products with bf16 values are exact in float32."""
    generator = torch.Generator().manual_seed(seed)
    return (torch.randint(-8, 9, shape, generator=generator) / 4).to(dtype)


def plain(made: nn.Conv2d, x: Tensor, absolute: bool = False) -> Tensor:
    """The convolution in float64; `absolute`: the sum of its terms' sizes."""
    assert made.bias is not None
    parts = [part.detach().double() for part in (made.weight, made.bias)]
    weight, bias = (part.abs() for part in parts) if absolute else parts
    x = x.abs() if absolute else x
    return F.conv2d(x, weight, bias, made.stride, made.padding)


def assert_within(found: Tensor, expected: Tensor, bound: Tensor) -> None:
    excess = (found.detach().double() - expected.detach()).abs() - bound.detach()
    assert found.shape == expected.shape and excess.max() <= 0, float(excess.max())


def check(made: nn.Conv2d, x: Tensor, residual: Tensor | None, entering: bool) -> None:
    """The value and the gradients against float64 with the same rounded inputs and weights.

    Tolerance: bf16 rounds the convolution and its sum with the residual once each, and so the
    gradient by the input; float32 sums of n terms stay within n units, but a few are usual.
    """
    unit, terms = UNIT[x.dtype], made.weight[0].numel()
    sums = 2.0**-24 * (8 + math.sqrt(terms))
    y = conv_relu(made, x, residual)
    x64 = x.detach().double().requires_grad_()
    convolved = total = plain(made, x64)
    sources = [x64]
    if residual is not None:
        residual64 = residual.detach().double().requires_grad_()
        total = convolved + residual64
        sources.append(residual64)
    terms_size = plain(made, x64, absolute=True)
    bound = 1.01 * unit * (convolved.abs() + total.abs()) + sums * terms_size
    assert y.dtype == x.dtype and y.is_contiguous(memory_format=LAST)
    assert_within(y, F.relu(total), bound)

    grad = quarters(*y.shape, dtype=x.dtype)
    by_y = grad.float()
    summands = grad.double().abs()
    if entering:
        offset, slope = (quarters(y[0].numel(), seed=seed) for seed in (3, 4))
        enter(y, offset, slope)
        values = rows(y.detach()).float()
        by_y = by_y + from_rows(offset + slope * values, y.shape[1:])
        summands = summands + from_rows(offset.abs() + (slope * values).abs(), y.shape[1:])
    # Near 0 the sign of the sum depends on rounding, so the mask is that of the rounded value.
    by_total = torch.where(y > 0, by_y, 0).to(x.dtype)
    by_x64, *by_residual64 = torch.autograd.grad(total, sources, by_total.double())
    leaves = [x] if residual is None else [x, residual]
    by_x, *by_residual = torch.autograd.grad(y, leaves, grad)
    if residual is not None:
        assert_within(by_residual[0], by_residual64[0], 2.0**-22 * summands)
    weight = made.weight.double().abs()
    size = torch.nn.grad.conv2d_input(x.shape, weight, summands, made.stride, made.padding)
    assert by_x.dtype == x.dtype
    assert_within(by_x, by_x64, 1.01 * unit * by_x64.abs() + (sums + 2e-6) * size + 1e-12)


def check_road(
    road: str, made: nn.Conv2d, x: Tensor, residual: Tensor | None, entering: bool
) -> None:
    """As `check`; and the road was that one."""
    with patch.object(conv_relu, road, wraps=getattr(conv_relu, road)) as built:
        check(made, x, residual, entering)
    assert built.call_count == 1


cases = given(
    batch=st.integers(1, 19),
    channels=st.sampled_from([1, 3, 8, 20]),
    out=st.sampled_from([1, 5, 16, 32]),
    residual=st.booleans(),
    entering=st.booleans(),
    seed=st.integers(0, 99),
    data=st.data(),
)
briefly = settings(max_examples=30, deadline=None)


@briefly
@cases
def test_a_plain_convolution_and_its_gradients_are_those_of_single_operations(
    batch: int, channels: int, out: int, residual: bool, entering: bool, seed: int, data
) -> None:
    kernel, stride = data.draw(st.sampled_from([(3, 1), (3, 2), (1, 2), (1, 1), (5, 1), (5, 2)]))
    height, width = data.draw(st.tuples(st.integers(3, 9), st.integers(3, 9)))
    made = convolution(channels, out, FP32, seed, kernel, stride)
    x = inputs(batch, channels, height, width, seed=seed)
    shape = (batch, out, -(-height // stride), -(-width // stride))
    check_road("_plain", made, x, inputs(*shape) if residual else None, entering)


@briefly
@cases
def test_a_convolution_of_very_small_images_is_a_dense_matrix(
    batch: int, channels: int, out: int, residual: bool, entering: bool, seed: int, data
) -> None:
    size = data.draw(st.sampled_from([(1, 1), (2, 2), (1, 2), (3, 1), (1, 4)]))
    dtype = data.draw(st.sampled_from([FP32, BF16]))
    made = convolution(channels, out, dtype, seed)
    x = inputs(batch, channels, *size, dtype=dtype, seed=seed)
    other = inputs(batch, out, *size, dtype=dtype) if residual else None
    check_road("_dense", made, x, other, entering)


@packs
@briefly
@cases
def test_packed_weights_change_no_result_beyond_one_rounding(
    batch: int, channels: int, out: int, residual: bool, entering: bool, seed: int, data
) -> None:
    size = data.draw(st.sampled_from([(8, 8), (5, 4), (32, 32), (3, 17), (9, 12)]))
    made = convolution(channels, out, BF16, seed)
    x = inputs(batch, channels, *size, dtype=BF16, seed=seed)
    other = inputs(batch, out, *size, dtype=BF16) if residual else None
    check_road("_packed", made, x, other, entering)


@packs
@settings(max_examples=50, deadline=None)
@cases
def test_images_in_a_strip_do_not_touch(
    batch: int, channels: int, out: int, residual: bool, entering: bool, seed: int, data
) -> None:
    size = data.draw(st.sampled_from([(4, 4), (3, 3), (2, 4), (4, 2), (1, 5), (16, 1), (2, 8)]))
    made = convolution(channels, out, BF16, seed)
    x = inputs(batch, channels, *size, dtype=BF16, seed=seed)
    other = inputs(batch, out, *size, dtype=BF16) if residual else None
    with patch("gfmn.networks.conv_relu._to_strips", wraps=_to_strips) as strips:
        check_road("_packed", made, x, other, entering)
    assert strips.call_count == 2  # forward and backward


@packs
@pytest.mark.parametrize("size", [2, 4, 8])
def test_other_memory_orders_change_nothing(size: int) -> None:
    made = convolution(8, 16, BF16)
    x = inputs(6, 8, size, size, dtype=BF16).detach().contiguous().requires_grad_()
    check(made, x, None, entering=True)
    wide = inputs(6, 8, size, 2 * size, dtype=BF16).detach()[..., ::2].requires_grad_()
    check(made, wide, None, entering=True)
    y = conv_relu(made, x)
    (by_sum,) = torch.autograd.grad(y.sum(), x)  # a gradient without strides
    (by_ones,) = torch.autograd.grad(conv_relu(made, x), x, torch.ones_like(y))
    assert torch.equal(by_sum, by_ones)


@pytest.mark.parametrize("dtype", [FP32, pytest.param(BF16, marks=packs)])
def test_other_batches_and_sizes_through_one_convolution_are_right(dtype: torch.dtype) -> None:
    made = convolution(16, 16, dtype)
    for size in (8, 4, 2, 8):
        for batch in (8, 3, 64, 1):
            x = inputs(batch, 16, size, size, dtype=dtype, seed=batch)
            check(made, x, inputs(batch, 16, size, size, dtype=dtype), entering=True)


@pytest.mark.parametrize("size", [2, 4, 8])
def test_changed_weights_are_used_at_once(size: int) -> None:
    made = convolution(8, 8, FP32)

    def check_all() -> None:
        dtype = made.weight.dtype
        check(made, inputs(4, 8, size, size, dtype=dtype), None, entering=False)

    check_all()
    for dtype in (BF16, FP32, BF16) if _packs(torch.device("cpu")) else (FP32,):
        made.to(dtype)
        check_all()
    assert made.bias is not None
    for seed in range(6):  # new weights may come to lie where old ones lay
        made.weight.data = convolution(8, 8, made.weight.dtype, seed).weight.data
        check_all()
    made.bias.data = made.bias.data + 1
    check_all()
    for weights in (made.weight, made.bias):
        with torch.no_grad():
            weights.mul_(2)
        check_all()
    made.load_state_dict(convolution(8, 8, FP32, seed=9).state_dict())
    check_all()


@pytest.mark.parametrize("dtype", [FP32, pytest.param(BF16, marks=packs)])
def test_a_copy_of_a_used_convolution_is_independent(dtype: torch.dtype) -> None:
    for size in (2, 4, 8):
        made = convolution(4, 4, dtype)
        x = inputs(4, 4, size, size, dtype=dtype)
        before = conv_relu(made, x)
        other = copy.deepcopy(made)
        assert torch.equal(conv_relu(other, x), before)
        with torch.no_grad():
            other.weight.mul_(-1)
        check(other, x, None, entering=False)
        assert torch.equal(conv_relu(made, x), before)


def test_bf16_needs_no_packed_convolutions() -> None:
    with patch.object(conv_relu, "has_bf16", lambda device: False):
        made, x = convolution(4, 4, BF16), inputs(3, 4, 8, 8, dtype=BF16)
        check_road("_plain", made, x, None, entering=True)


def test_a_gradient_is_computed_only_where_it_is_asked_for() -> None:
    made = convolution(4, 4, FP32)
    x, residual = inputs(3, 4, 8, 8).detach(), inputs(3, 4, 8, 8)
    y = conv_relu(made, x, residual)
    (by_residual,) = torch.autograd.grad(y.sum(), residual)
    assert torch.equal(by_residual, (y > 0).float())
    assert not conv_relu(made, x).requires_grad
    with torch.no_grad():
        assert torch.equal(conv_relu(made, x, residual), y)


def test_weights_that_learn_get_their_gradient() -> None:
    made = convolution(4, 4, FP32).requires_grad_()
    x = inputs(3, 4, 8, 8)
    conv_relu(made, x).square().sum().backward()
    found = made.weight.grad
    expected = torch.autograd.grad(F.relu(made(x)).square().sum(), made.weight)
    torch.testing.assert_close(found, expected[0])
