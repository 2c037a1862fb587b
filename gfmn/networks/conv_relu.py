"""A convolution with its ReLU as one layer; once frozen, as one operation forward and backward.

Frozen weights get no gradient, so the backward pass keeps the layer's output alone, and the ReLU's
mask and the gradient injected at a tap are one pass over memory.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gfmn.common.compiling import compiled
from gfmn.networks.convolution_kernels import ConvReLUKernel, build_kernel
from gfmn.networks.rows import from_rows, rows
from gfmn.networks.tap_gradients import TapGradient


class ConvReLU(nn.Conv2d):
    """relu(convolution(x) + residual), newly allocated: B x C x H x W -> B x C' x H' x W'.

    While the weights are trained these are torch's own operations. After `freeze` the weights must
    not change again, except from float32 to bf16 and to another device or memory format.
    """

    kernels: dict[Any, ConvReLUKernel] | None = None  # by kind of input; None: not frozen

    @classmethod
    def from_convolution(cls, convolution: nn.Conv2d) -> "ConvReLU":
        """A convolution and the ReLU behind it; the weights are shared."""
        given: Any = {
            key: getattr(convolution, key)
            for key in ("kernel_size", "stride", "padding", "dilation", "groups")
        }
        layer = cls(convolution.in_channels, convolution.out_channels, device="meta", **given)
        layer.weight, layer.bias = convolution.weight, convolution.bias
        return layer.train(convolution.training)

    def freeze(self) -> None:
        """Fix the weights for good; no gradient by them is computed from now on."""
        self.requires_grad_(False)
        self.kernels = {}

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """See the class."""
        if self.kernels is None or x.is_meta:
            y = super().forward(x)
            return F.relu(y if residual is None else y + residual, inplace=True)
        kind = (x.shape[2:], x.dtype, x.device)
        if kind not in self.kernels:
            self.kernels[kind] = build_kernel(self, x)
        result: Tensor = _ConvReLU.apply(x, residual, self.kernels[kind])
        return result

    def __getstate__(self) -> dict[str, Any]:
        """Without the kernels: a copy builds its own."""
        return {**self.__dict__, "kernels": None if self.kernels is None else {}}


class _ConvReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, residual: Tensor | None, kernel: ConvReLUKernel) -> Tensor:
        y = kernel.forward(x, residual)
        ctx.save_for_backward(y)
        ctx.kernel, ctx.shape = kernel, x.shape
        ctx.tap_gradient = None  # `inject_gradient` finds it at the result's `grad_fn`
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (y,) = ctx.saved_tensors
        injected: TapGradient | None = ctx.tap_gradient
        grad, values = rows(grads[0]), rows(y)
        total = _mask(grad, values) if injected is None else injected.add_masked(grad, values)
        by_sum = from_rows(total, y.shape[1:])
        needs_x, needs_residual, _ = ctx.needs_input_grad
        by_x = ctx.kernel.backward(by_sum, ctx.shape) if needs_x else None
        return by_x, by_sum if needs_residual else None, None


@compiled
def _mask(grad: Tensor, values: Tensor) -> Tensor:
    return torch.where(values > 0, grad, 0)
