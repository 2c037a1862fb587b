"""Implementations of a frozen convolution with ReLU, for inputs of one size.

On a CPU three of them give the same sums as torch's convolution and are several times faster for
small images:

- bf16: oneDNN with weights laid out for it once, the backward pass a forward convolution with
  flipped weights;
- bf16 up to 4 x 4: images next to each other in strips with a border of zeros between them, since
  the matrix units want rows that are longer than an image's;
- up to 2 x 2: the convolution is a small dense matrix.
"""

from itertools import product
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.grad import conv2d_input

from gfmn.common.compiling import compiled
from gfmn.common.devices import has_bf16
from gfmn.networks.rows import from_rows, rows

DENSE = 4  # pixels up to which a convolution is a matrix
STRIP = 16  # pixels up to which images share a strip
STRIP_IMAGES = 8  # in one strip


class ConvReLUKernel(Protocol):
    """One implementation, with the weights of one convolution."""

    def forward(self, x: Tensor, residual: Tensor | None) -> Tensor:
        """relu(convolution(x) + residual): B x C x H x W -> B x C' x H' x W'."""

    def backward(self, grad: Tensor, shape: torch.Size) -> Tensor:
        """The gradient by the sum before the ReLU -> by the input, of this `shape`."""


@torch.no_grad()
def build_kernel(convolution: nn.Conv2d, x: Tensor) -> ConvReLUKernel:
    """The fastest implementation for inputs like `x`, its weights laid out for them."""
    same = (
        convolution.kernel_size == (3, 3)
        and convolution.stride == convolution.padding == convolution.dilation == (1, 1)
        and convolution.groups == 1
    )
    pixels = x.shape[2] * x.shape[3]
    if x.device.type != "cpu" or not same:
        return PlainKernel(convolution)
    if pixels <= DENSE:
        return DenseKernel(convolution, x)
    if x.dtype != torch.bfloat16 or not packs(x.device):
        return PlainKernel(convolution)
    return PackedKernel(convolution, x, strips=pixels <= STRIP)


def packs(device: torch.device) -> bool:
    """Whether bf16 weights can be laid out for oneDNN here."""
    return has_bf16(device) and hasattr(torch.ops.mkldnn, "_convolution_pointwise")


@compiled
def _sum_relu(values: Tensor, residual: Tensor) -> Tensor:
    return (values + residual).clamp_min(0)


def _add_relu(y: Tensor, residual: Tensor) -> Tensor:
    return from_rows(_sum_relu(rows(y), rows(residual)), y.shape[1:])


class PlainKernel:
    """torch's own convolution, of any kind.

    Where the device has no bf16, torch's sums in it are rounded at every step, and slow: there the
    weights are widened to float32, and only results are rounded.
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        assert isinstance(convolution.padding, tuple)
        self.weight, self.bias = convolution.weight.detach(), _detached(convolution.bias)
        if self.weight.dtype == torch.bfloat16 and not has_bf16(self.weight.device):
            self.weight = self.weight.float()
            self.bias = None if self.bias is None else self.bias.float()
        self.stride, self.padding = convolution.stride, convolution.padding
        self.dilation, self.groups = convolution.dilation, convolution.groups

    def forward(self, x: Tensor, residual: Tensor | None) -> Tensor:
        """See `ConvReLUKernel`."""
        geometry = (self.stride, self.padding, self.dilation, self.groups)
        y = F.conv2d(x.to(self.weight.dtype), self.weight, self.bias, *geometry).to(x.dtype)
        return y.relu_() if residual is None else _add_relu(y, residual)

    def backward(self, grad: Tensor, shape: torch.Size) -> Tensor:
        """See `ConvReLUKernel`."""
        geometry = (self.stride, self.padding, self.dilation, self.groups)
        wide = grad.to(self.weight.dtype)
        by_x: Tensor = conv2d_input(shape, self.weight, wide, *geometry).to(grad.dtype)
        return by_x


def _detached(bias: Tensor | None) -> Tensor | None:
    return None if bias is None else bias.detach()


class DenseKernel:
    """A 3 x 3 convolution as one matrix, with a block for each pixel of the input and the output.

    A block is the weight between two pixels, or zero where the convolution does not reach.
    """

    def __init__(self, convolution: nn.Conv2d, x: Tensor) -> None:
        channels, height, width = x.shape[1:]
        weight, bias = convolution.weight.detach(), _detached(convolution.bias)
        self.shape = (convolution.out_channels, height, width)
        blocks = weight.new_zeros(height, width, channels, height, width, self.shape[0])
        pixels = list(product(range(height), range(width)))
        for (i, j), (m, n) in product(pixels, pixels):  # of the input, of the output
            if abs(i - m) <= 1 and abs(j - n) <= 1:
                blocks[i, j, :, m, n] = weight[:, :, i - m + 1, j - n + 1].T
        self.matrix = blocks.view(x[0].numel(), -1)
        offset = weight.new_zeros(self.shape[0]) if bias is None else bias
        self.offset = offset.repeat(height * width)

    def forward(self, x: Tensor, residual: Tensor | None) -> Tensor:
        """See `ConvReLUKernel`."""
        y = torch.addmm(self.offset, rows(x), self.matrix)
        y = y.relu_() if residual is None else _sum_relu(y, rows(residual))
        return from_rows(y, self.shape)

    def backward(self, grad: Tensor, shape: torch.Size) -> Tensor:
        """See `ConvReLUKernel`."""
        return from_rows(rows(grad) @ self.matrix.T, shape[1:])


class PackedKernel:
    """A 3 x 3 convolution in bf16 with weights in oneDNN's own layout."""

    def __init__(self, convolution: nn.Conv2d, x: Tensor, strips: bool) -> None:
        weight, self.bias = convolution.weight.detach(), _detached(convolution.bias)
        size = (x.shape[2], x.shape[3])
        self.convolve = _Packed(weight, len(x), size, strips)
        flipped = weight.flip(2, 3).transpose(0, 1)
        self.convolve_back = _Packed(flipped, len(x), size, strips)

    def forward(self, x: Tensor, residual: Tensor | None) -> Tensor:
        """See `ConvReLUKernel`."""
        if residual is None:
            return self.convolve(x, self.bias, relu=True)
        return _add_relu(self.convolve(x, self.bias, relu=False), residual)

    def backward(self, grad: Tensor, shape: torch.Size) -> Tensor:
        """See `ConvReLUKernel`."""
        return self.convolve_back(grad, None, relu=False)


class _Packed:
    """A packed convolution in one direction, for images or for strips of them."""

    def __init__(self, weight: Tensor, batch: int, size: tuple[int, int], strips: bool) -> None:
        self.strips = strips
        self.padding = [0, 0] if strips else [1, 1]
        shape = [batch, weight.shape[1], *size]
        if strips:
            height, width = size
            shape = [-(-batch // STRIP_IMAGES), shape[1], height + 2, _strip_width(width)]
        self.weight = torch.ops.mkldnn._reorder_convolution_weight(
            weight.contiguous(), self.padding, [1, 1], [1, 1], 1, shape
        )

    def __call__(self, x: Tensor, bias: Tensor | None, relu: bool) -> Tensor:
        strip = _to_strips(x) if self.strips else x
        activation = "relu" if relu else "none"
        y: Tensor = torch.ops.mkldnn._convolution_pointwise(
            strip, self.weight, bias, self.padding, [1, 1], [1, 1], 1, activation, [], ""
        )
        return _from_strips(y, x.shape) if self.strips else y


def _strip_width(width: int) -> int:
    return STRIP_IMAGES * (width + 1) + 1


def _to_strips(x: Tensor) -> Tensor:
    """B x C x H x W -> B / 8 x C x H + 2 x 8 (W + 1) + 1, zeros around every image."""
    batch, channels, height, width = x.shape
    count = -(-batch // STRIP_IMAGES)
    strips = x.new_zeros(count, height + 2, _strip_width(width), channels)
    images = x.permute(0, 2, 3, 1)
    if batch % STRIP_IMAGES:
        images = F.pad(images, (0, 0, 0, 0, 0, 0, 0, count * STRIP_IMAGES - batch))
    slots = strips[:, 1:-1, 1:].view(count, height, STRIP_IMAGES, width + 1, channels)
    images = images.reshape(count, STRIP_IMAGES, height, width, channels)
    slots[..., :width, :].copy_(images.transpose(1, 2))
    return strips.permute(0, 3, 1, 2)


def _from_strips(y: Tensor, shape: torch.Size) -> Tensor:
    """The images of a strip's convolution, whose borders hold sums that belong to no image."""
    batch, _, height, width = shape
    strips = F.pad(y.permute(0, 2, 3, 1), (0, 0, 0, 1))
    count, channels = len(y), y.shape[1]
    images = strips.view(count, height, STRIP_IMAGES, width + 1, channels)[..., :width, :]
    # A single strip would otherwise be a view with gaps.
    images = images.transpose(1, 2).reshape(-1, height, width, channels).contiguous()
    return images[:batch].permute(0, 3, 1, 2)
