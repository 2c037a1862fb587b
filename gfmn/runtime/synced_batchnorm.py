"""Batch norm over the whole batch, of which each of several processes has a shard.

With it N processes of B / N samples give the generator's gradient that one process of B gives.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import Function, once_differentiable
from torch.nn import functional as F

from gfmn.common.errors import InputError
from gfmn.runtime.distributed import ALONE, World


class _Normalize(Function):
    """Batch norm by given statistics of the whole batch, of which this rank has a shard."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,  # B x C x H x W
        weight: Tensor | None,
        bias: Tensor | None,
        mean: Tensor,  # C float32, as the variance
        variance: Tensor,
        count: Tensor,  # of values a channel in the whole batch
        eps: float,
        world: World,
    ) -> Tensor:
        ctx.save_for_backward(x, weight, mean, (variance + eps).rsqrt(), count)
        ctx.world = world
        return F.batch_norm(x, mean, variance, weight, bias, eps=eps)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, scale, count = ctx.saved_tensors
        centered = x - _wide(mean)  # float32 also where x is bf16
        sums = torch.stack((_sum(dy), _sum(dy * centered) * scale))  # 2 x C
        bias_gradient, weight_gradient = sums.clone().unbind()  # this rank's own
        ctx.world.sum_(sums)
        gain = scale if weight is None else scale * weight
        # dx = gain (dy - mean(dy) - xhat mean(dy xhat)), with means over the whole batch
        along, across = sums * (-gain / count)
        dx = torch.addcmul(_wide(along), centered, _wide(across * scale))
        dx.addcmul_(dy, _wide(gain))
        needs = ctx.needs_input_grad
        return (
            dx.to(x.dtype) if needs[0] else None,
            weight_gradient if needs[1] else None,
            bias_gradient if needs[2] else None,
            *[None] * 5,
        )


class SyncedBatchNorm2d(nn.BatchNorm2d):
    """`nn.BatchNorm2d` whose batch is that of all ranks together: B x C x H x W in and out.

    Ranks may have different B. The weight's and bias's gradients are this rank's part, to be
    summed with those of all other parameters. torch's own SyncBatchNorm refuses CPU tensors.
    """

    world: World = ALONE

    @classmethod
    def replacing(cls, norm: nn.BatchNorm2d, world: World) -> "SyncedBatchNorm2d":
        """One that takes over a norm's parameters and buffers, the same tensors, and its mode."""
        synced = cls(
            norm.num_features, norm.eps, norm.momentum, norm.affine, norm.track_running_stats
        )
        synced.weight, synced.bias = norm.weight, norm.bias
        synced.running_mean, synced.running_var = norm.running_mean, norm.running_var
        synced.num_batches_tracked = norm.num_batches_tracked
        synced.world = world
        return synced.train(norm.training)

    def forward(self, x: Tensor) -> Tensor:
        own = self.training or self.running_mean is None  # normalize by the batch's statistics
        if self.world.size == 1 or not own:
            return super().forward(x)
        mean, variance, count = whole_batch(x.detach(), self.world)
        if self.training and self.track_running_stats:
            self._track(mean, variance * (count / (count - 1)))
        normalized: Tensor = _Normalize.apply(
            x, self.weight, self.bias, mean.float(), variance.float(), count.float(),
            self.eps, self.world,
        )  # fmt: skip
        return normalized

    def _track(self, mean: Tensor, unbiased: Tensor) -> None:
        momentum = self.momentum
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if momentum is None:  # all batches count alike
                momentum = 1 / float(self.num_batches_tracked)
        for average, value in ((self.running_mean, mean), (self.running_var, unbiased)):
            if average is not None:
                average.lerp_(value.to(average.dtype), momentum or 0.0)


def whole_batch(x: Tensor, world: World) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and population variance (C float64) and count of all ranks' B x C x H x W.

    Each rank sends its count, mean and squares about that mean: merging these (Chan's formula)
    cancels nothing, and the count may differ between ranks. No host waits for a device here.
    """
    x = x.float()
    count = x.numel() // x.shape[1]
    mean = _sum(x) / max(count, 1)
    squares = _sum((x - _wide(mean)).square_())
    own = torch.cat((mean.new_full((1,), count), mean, squares)).double()
    ranks = torch.stack(world.gather(own))
    counts, means, squares = ranks.split((1, len(mean), len(mean)), 1)
    total = counts.sum()
    mean = (counts * means).sum(0) / total
    squares = (squares + counts * (means - mean).square()).sum(0)
    return mean, squares / total, total


def _sum(x: Tensor) -> Tensor:
    return x.sum((0, 2, 3), dtype=torch.float32)  # per channel


def _wide(vector: Tensor) -> Tensor:
    return vector[:, None, None]


def synchronize(module: nn.Module, world: World) -> nn.Module:
    """Replace a module's batch norms by synced ones, in place; its state dict stays the same.

    Returns the module, or what replaces it where it is a batch norm itself. Raises `InputError`
    for a kind of batch norm that does more than normalize.
    """
    if world.size == 1:
        return module
    if isinstance(module, nn.BatchNorm2d):
        if type(module) not in (nn.BatchNorm2d, SyncedBatchNorm2d):
            found = f"{world.size} and batch norms of {type(module).__name__}"
            raise InputError(f"processes: expected 1 for this network, found {found}")
        return SyncedBatchNorm2d.replacing(module, world)
    for name, child in module.named_children():
        replaced = synchronize(child, world)
        if replaced is not child:
            setattr(module, name, replaced)
    return module
