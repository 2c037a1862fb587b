"""Batch norm over the whole batch where several processes share it.

With it N processes of B / N samples give the generator's gradient that one process of B gives.
"""

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import Function, once_differentiable
from torch.nn import functional as F

from gfmn.common.errors import InputError
from gfmn.runtime.distributed import ALONE, World


class _Normalise(Function):
    """Batch norm by given statistics of the whole batch, of which this rank has a part."""

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
        centred = x - _wide(mean)  # float32 also where x is bf16
        sums = torch.stack((_sum(dy), _sum(dy * centred) * scale))  # 2 x C
        bias_gradient, weight_gradient = sums.clone().unbind()  # this rank's own
        ctx.world.sum_(sums)
        gain = scale if weight is None else scale * weight
        # dx = gain (dy - mean(dy) - xhat mean(dy xhat)), with means over the whole batch
        along, across = sums * (-gain / count)
        dx = torch.addcmul(_wide(along), centred, _wide(across * scale))
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

    def forward(self, x: Tensor) -> Tensor:
        own = self.training or self.running_mean is None  # normalise by the batch's statistics
        if self.world.size == 1 or not own:
            return super().forward(x)
        mean, variance, count = whole_batch(x.detach(), self.world)
        if self.training and self.track_running_stats:
            self._track(mean, variance * (count / (count - 1)))
        normalised: Tensor = _Normalise.apply(
            x, self.weight, self.bias, mean.float(), variance.float(), count.float(),
            self.eps, self.world,
        )  # fmt: skip
        return normalised

    def _track(self, mean: Tensor, unbiased: Tensor) -> None:
        share = self.momentum
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if share is None:
                share = 1 / float(self.num_batches_tracked)
        for average, value in ((self.running_mean, mean), (self.running_var, unbiased)):
            if average is not None:
                average.lerp_(value.to(average.dtype), share or 0.0)


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


def synchronise(module: nn.Module, world: World) -> nn.Module:
    """Make a module's batch norms synced ones, in place; its state dict stays the same.

    Raises `InputError` for a kind of batch norm that does more than normalise.
    """
    if world.size > 1:
        for norm in module.modules():
            if isinstance(norm, nn.BatchNorm2d):
                if type(norm) not in (nn.BatchNorm2d, SyncedBatchNorm2d):
                    found = f"{world.size} and batch norms of {type(norm).__name__}"
                    raise InputError(f"processes: expected 1 for this network, found {found}")
                norm.__class__ = SyncedBatchNorm2d  # parameters, buffers and hooks stay the same
                cast(SyncedBatchNorm2d, norm).world = world
    return module
