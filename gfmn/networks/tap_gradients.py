"""The gradient that an objective gives a tap, and how it joins the backward pass.

Later taps are computed from earlier ones, so a tap's gradient is the objective's plus what the pass
brings back from later layers. The objective's part is added where the pass goes through the tap: so
the gradients of all taps are never held at once, and a `ConvReLU` adds in the same pass over memory
in which it applies its ReLU's mask.
"""

from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from gfmn.common.compiling import compiled
from gfmn.networks.rows import from_rows, rows


class TapGradient(Protocol):
    """What an objective says of one tap: a gradient by each feature of each sample."""

    def scaled(self, weight: float | Tensor) -> "TapGradient":
        """The gradient of the objective times `weight`."""

    def of(self, samples: slice) -> "TapGradient":
        """The gradient by some of the samples."""

    def evaluate(self, tap: Tensor) -> Tensor:
        """The gradient in the tap's precision: B x C x H x W, as the tap."""

    def add(self, grad: Tensor, values: Tensor) -> Tensor:
        """`grad` plus this gradient at the tap's `values`: B x F, rows, each of them."""

    def add_masked(self, grad: Tensor, values: Tensor) -> Tensor:
        """As `add`, then zero where the values are: the gradient before a ReLU."""


class AffineGradient(NamedTuple):
    """The gradient `offset + scale * f` by each of a tap's features f, the same of every sample.

    F each, float32, in the order of `rows`.
    """

    offset: Tensor
    scale: Tensor

    def scaled(self, weight: float | Tensor) -> "AffineGradient":
        """See `TapGradient`."""
        return AffineGradient(self.offset * weight, self.scale * weight)

    def of(self, samples: slice) -> "AffineGradient":
        """See `TapGradient`."""
        return self

    def evaluate(self, tap: Tensor) -> Tensor:
        """See `TapGradient`."""
        return from_rows(_affine(rows(tap), *self), tap.shape[1:])

    def add(self, grad: Tensor, values: Tensor) -> Tensor:
        """See `TapGradient`."""
        total: Tensor = _add(grad, values, *self)
        return total

    def add_masked(self, grad: Tensor, values: Tensor) -> Tensor:
        """See `TapGradient`."""
        total: Tensor = _add_masked(grad, values, *self)
        return total


class ChannelGradient(NamedTuple):
    """The gradient `offset + scale * f` at every pixel, of each sample and channel its own.

    B x C each, float32.
    """

    offset: Tensor
    scale: Tensor

    def scaled(self, weight: float | Tensor) -> "ChannelGradient":
        """See `TapGradient`."""
        return ChannelGradient(self.offset * weight, self.scale * weight)

    def of(self, samples: slice) -> "ChannelGradient":
        """See `TapGradient`."""
        return ChannelGradient(self.offset[samples], self.scale[samples])

    def evaluate(self, tap: Tensor) -> Tensor:
        """See `TapGradient`."""
        return from_rows(_affine(self._pixels(rows(tap)), *self._each()).flatten(1), tap.shape[1:])

    def add(self, grad: Tensor, values: Tensor) -> Tensor:
        """See `TapGradient`."""
        total: Tensor = _add(self._pixels(grad), self._pixels(values), *self._each()).flatten(1)
        return total

    def add_masked(self, grad: Tensor, values: Tensor) -> Tensor:
        """See `TapGradient`."""
        pair = (self._pixels(grad), self._pixels(values))
        total: Tensor = _add_masked(*pair, *self._each()).flatten(1)
        return total

    def _pixels(self, matrix: Tensor) -> Tensor:
        return matrix.view(len(matrix), -1, self.offset.shape[1])

    def _each(self) -> tuple[Tensor, Tensor]:
        return self.offset[:, None], self.scale[:, None]


class SumGradient(NamedTuple):
    """The sum of two gradients by one tap."""

    first: TapGradient
    second: TapGradient

    def scaled(self, weight: float | Tensor) -> "SumGradient":
        """See `TapGradient`."""
        return SumGradient(self.first.scaled(weight), self.second.scaled(weight))

    def of(self, samples: slice) -> "SumGradient":
        """See `TapGradient`."""
        return SumGradient(self.first.of(samples), self.second.of(samples))

    def evaluate(self, tap: Tensor) -> Tensor:
        """See `TapGradient`."""
        grad = rows(self.first.evaluate(tap))
        return from_rows(self.second.add(grad, rows(tap)), tap.shape[1:])

    def add(self, grad: Tensor, values: Tensor) -> Tensor:
        """See `TapGradient`."""
        return self.second.add(self.first.add(grad, values), values)

    def add_masked(self, grad: Tensor, values: Tensor) -> Tensor:
        """See `TapGradient`."""
        return self.second.add_masked(self.first.add(grad, values), values)


def inject_gradient(tap: Tensor, gradient: TapGradient) -> None:
    """Have the backward pass add `gradient` to what it brings to a tap: B x C x H x W.

    To be called once for a tap, between the forward and the backward pass.
    """
    node: Any = tap.grad_fn
    if hasattr(node, "tap_gradient"):  # a `ConvReLU`'s, whose backward adds it
        node.tap_gradient = gradient
        return
    values, shape = rows(tap.detach()), tap.shape[1:]

    def add(grad: Tensor) -> Tensor:  # a hook that held the tap itself would keep it forever
        return from_rows(gradient.add(rows(grad), values), shape)

    tap.register_hook(add)


@compiled
def _affine(values: Tensor, offset: Tensor, scale: Tensor) -> Tensor:
    return (offset + scale * values.float()).to(values.dtype)


@compiled
def _add(grad: Tensor, values: Tensor, offset: Tensor, scale: Tensor) -> Tensor:
    return (grad.float() + offset + scale * values.float()).to(grad.dtype)


@compiled
def _add_masked(grad: Tensor, values: Tensor, offset: Tensor, scale: Tensor) -> Tensor:
    total = grad.float() + offset + scale * values.float()
    return torch.where(values > 0, total, 0).to(grad.dtype)
