"""Convolution and ReLU of a frozen network as one operation, forward and backward.

Its weights get no gradient, so the backward pass keeps the output alone; there the ReLU's mask and
the gradient that enters at a tap are one pass over memory. On a CPU the convolutions take three
roads that give the same sums and are several times faster for small images:

- bf16: oneDNN with weights laid out for it once, the backward pass a forward convolution with
  flipped weights;
- bf16 up to 4 x 4: images side by side in strips with a border of zeros between them, since the
  matrix units want rows that are longer than an image's;
- up to 2 x 2: the convolution is a small dense matrix.
"""

from collections.abc import Callable
from itertools import product
from typing import Any, NamedTuple

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


def conv_relu(convolution: nn.Conv2d, x: Tensor, residual: Tensor | None = None) -> Tensor:
    """relu(convolution(x) + residual), newly allocated: B x C x H x W -> B x C' x H' x W'."""
    if convolution.weight.requires_grad or x.is_meta:
        y = convolution(x)
        return F.relu(y if residual is None else y + residual, inplace=True)
    entrance: list[Tensor] = []
    result: Tensor = _ConvReLU.apply(x, residual, convolution, entrance)
    result.entrance = entrance  # type: ignore[attr-defined]
    return result


def enter(tap: Tensor, offset: Tensor, slope: Tensor) -> None:
    """Add `offset + slope * tap` to the gradient that the backward pass will bring to a tap.

    `tap`: B x C x H x W; `offset`, `slope`: F, in the order of `rows`. Done where the pass goes
    through, so that no gradient of all taps is ever held, and in the ReLU's own pass over memory.
    """
    if hasattr(tap, "entrance"):
        tap.entrance[:] = offset, slope
        return
    values, shape = rows(tap.detach()), tap.shape[1:]

    def add(grad: Tensor) -> Tensor:  # a hook that held the tap itself would keep it for ever
        return from_rows(_added(rows(grad), values, offset, slope), shape)

    tap.register_hook(add)


@compiled
def _affine(values: Tensor, offset: Tensor, slope: Tensor) -> Tensor:
    return (offset + slope * values.float()).to(values.dtype)


def affine(tap: Tensor, offset: Tensor, slope: Tensor) -> Tensor:
    """`offset + slope * tap` in the tap's precision: B x C x H x W, offset and slope F each."""
    return from_rows(_affine(rows(tap), offset, slope), tap.shape[1:])


@compiled
def _added(grad: Tensor, values: Tensor, offset: Tensor, slope: Tensor) -> Tensor:
    return (grad.float() + offset + slope * values.float()).to(grad.dtype)


@compiled
def _masked(grad: Tensor, values: Tensor) -> Tensor:
    return torch.where(values > 0, grad, 0)


@compiled
def _added_masked(grad: Tensor, values: Tensor, offset: Tensor, slope: Tensor) -> Tensor:
    total = grad.float() + offset + slope * values.float()
    return torch.where(values > 0, total, 0).to(grad.dtype)


@compiled
def _sum_relu(values: Tensor, residual: Tensor) -> Tensor:
    return (values + residual).clamp_min(0)


class _ConvReLU(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        residual: Tensor | None,
        convolution: nn.Conv2d,
        entrance: list[Tensor],  # empty, or the gradient that enters at the result
    ) -> Tensor:
        road = _road(convolution, x)
        y = road.forward(x, residual)
        ctx.save_for_backward(y)
        ctx.road, ctx.shape, ctx.entrance = road, x.shape, entrance
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (y,) = ctx.saved_tensors
        grad, values = rows(grads[0]), rows(y)
        total = (_added_masked if ctx.entrance else _masked)(grad, values, *ctx.entrance)
        by_sum = from_rows(total, y.shape[1:])
        needs_x, needs_residual, *_ = ctx.needs_input_grad
        by_x = ctx.road.backward(by_sum, ctx.shape) if needs_x else None
        return by_x, by_sum if needs_residual else None, None, None


class _Road(NamedTuple):
    """How one convolution is computed for one size of image."""

    forward: Callable[[Tensor, Tensor | None], Tensor]
    backward: Callable[[Tensor, torch.Size], Tensor]  # by the sum before the ReLU -> by the input


class _Roads:
    """A convolution's roads by size of image, built anew when its weights change."""

    def __init__(self) -> None:
        self.by_size: dict[torch.Size, _Road] = {}
        self.state: list[Any] = []  # of the weights that the roads were built from
        self.weights: list[Tensor] = []  # held, lest other weights come to lie where they lay

    def __reduce__(self) -> tuple[Any, ...]:
        return _Roads, ()  # a copy of the convolution has weights of its own

    def find(self, convolution: nn.Conv2d, x: Tensor) -> _Road:
        weights = [w for w in (convolution.weight, convolution.bias) if w is not None]
        state = [(w.data_ptr(), w._version, w.dtype, w.device) for w in weights]
        if state != self.state:
            self.by_size, self.state = {}, state
            self.weights = [w.detach() for w in weights]
        size = x.shape[2:]
        if size not in self.by_size:
            self.by_size[size] = _build(convolution, x)
        return self.by_size[size]


def _road(convolution: nn.Conv2d, x: Tensor) -> _Road:
    roads: _Roads = convolution.__dict__.setdefault("roads", _Roads())
    return roads.find(convolution, x)


def _build(convolution: nn.Conv2d, x: Tensor) -> _Road:
    same = (
        convolution.kernel_size == (3, 3)
        and convolution.stride == convolution.padding == convolution.dilation == (1, 1)
        and convolution.groups == 1
    )
    pixels = x.shape[2] * x.shape[3]
    if x.device.type != "cpu" or not same:
        return _plain(convolution)
    if pixels <= DENSE:
        return _dense(convolution, x)
    if x.dtype != torch.bfloat16 or not _packs(x.device):
        return _plain(convolution)
    return _packed(convolution, x, strips=pixels <= STRIP)


def _packs(device: torch.device) -> bool:
    return has_bf16(device) and hasattr(torch.ops.mkldnn, "_convolution_pointwise")


def _plain(convolution: nn.Conv2d) -> _Road:
    weight = convolution.weight.detach()
    stride, padding = convolution.stride, convolution.padding
    assert isinstance(padding, tuple)

    def forward(x: Tensor, residual: Tensor | None) -> Tensor:
        y: Tensor = convolution(x)
        return y.relu_() if residual is None else _joined(y, residual)

    def backward(grad: Tensor, shape: torch.Size) -> Tensor:
        dilation, groups = convolution.dilation, convolution.groups
        by_x: Tensor = conv2d_input(shape, weight, grad, stride, padding, dilation, groups)
        return by_x

    return _Road(forward, backward)


def _joined(y: Tensor, residual: Tensor) -> Tensor:
    return from_rows(_sum_relu(rows(y), rows(residual)), y.shape[1:])


@torch.no_grad()
def _dense(convolution: nn.Conv2d, x: Tensor) -> _Road:
    """The matrix has a block for each pixel of the input and of the output: the weight between."""
    channels, height, width = x.shape[1:]
    weight, bias = convolution.weight, convolution.bias
    shape = (convolution.out_channels, height, width)
    blocks = weight.new_zeros(height, width, channels, height, width, shape[0])
    pixels = list(product(range(height), range(width)))
    for (i, j), (m, n) in product(pixels, pixels):  # of the input, of the output
        if abs(i - m) <= 1 and abs(j - n) <= 1:  # where the kernel reaches
            blocks[i, j, :, m, n] = weight[:, :, i - m + 1, j - n + 1].T
    matrix = blocks.view(x[0].numel(), -1)
    offset = weight.new_zeros(shape[0]) if bias is None else bias.detach()
    offset = offset.repeat(height * width)

    def forward(x: Tensor, residual: Tensor | None) -> Tensor:
        y = torch.addmm(offset, rows(x), matrix)
        return from_rows(y.relu_() if residual is None else _sum_relu(y, rows(residual)), shape)

    def backward(grad: Tensor, size: torch.Size) -> Tensor:
        return from_rows(rows(grad) @ matrix.T, size[1:])

    return _Road(forward, backward)


def _packed(convolution: nn.Conv2d, x: Tensor, strips: bool) -> _Road:
    weight, bias = convolution.weight.detach(), convolution.bias
    bias = None if bias is None else bias.detach()
    size = (x.shape[2], x.shape[3])
    ahead = _Packed(weight, len(x), size, strips)
    back = _Packed(weight.flip(2, 3).transpose(0, 1), len(x), size, strips)

    def forward(x: Tensor, residual: Tensor | None) -> Tensor:
        if residual is None:
            return ahead(x, bias, relu=True)
        return _joined(ahead(x, bias, relu=False), residual)

    def backward(grad: Tensor, shape: torch.Size) -> Tensor:
        return back(grad, None, relu=False)

    return _Road(forward, backward)


class _Packed:
    """A 3 x 3 convolution of bf16 images of one size, its weights in oneDNN's own layout."""

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
        y: Tensor = torch.ops.mkldnn._convolution_pointwise(
            strip, self.weight, bias, self.padding, [1, 1], [1, 1], 1, _ATTR[relu], [], ""
        )
        return _from_strips(y, x.shape) if self.strips else y


_ATTR = {True: "relu", False: "none"}


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
    places = strips[:, 1:-1, 1:].view(count, height, STRIP_IMAGES, width + 1, channels)
    images = images.reshape(count, STRIP_IMAGES, height, width, channels)
    places[..., :width, :].copy_(images.transpose(1, 2))
    return strips.permute(0, 3, 1, 2)


def _from_strips(y: Tensor, shape: torch.Size) -> Tensor:
    """The images of a strip's convolution, whose borders hold sums that belong to no image."""
    batch, _, height, width = shape
    strips = F.pad(y.permute(0, 2, 3, 1), (0, 0, 0, 1))
    count, channels = len(y), y.shape[1]
    images = strips.view(count, height, STRIP_IMAGES, width + 1, channels)[..., :width, :]
    # A single strip would else be a view with gaps.
    images = images.transpose(1, 2).reshape(-1, height, width, channels).contiguous()
    return images[:batch].permute(0, 3, 1, 2)
