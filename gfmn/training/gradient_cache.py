"""Gradient caching: the gradient of a large batch, with the taps of a part of it in memory.

The objective's gradient by a tap depends on the other samples through the batch's moments and its
pooled features alone. So the networks see the images twice, a part after another: first for those,
without a graph, and then for each part's gradient by its images, which the generator takes back at
once. Gao, Zhang, Han and Callan, *Scaling Deep Contrastive Learning Batch Size under Memory Limited
Setup*, RepL4NLP 2021, arXiv:2101.06983, do so for contrastive losses.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from gfmn.features.extractor import Extractor
from gfmn.features.moments import Moments, batch_moments
from gfmn.features.pooled import Pooled, pool
from gfmn.networks.tap_gradients import TapGradient
from gfmn.training.objectives.base import Shard
from gfmn.training.objectives.matching import Matching


def backward(
    images: Tensor,
    size: int,
    extractor: Extractor,
    objective: Matching,
    by_tap: Callable[[Shard], list[TapGradient | None]],
) -> None:
    """Take the objective's gradient back through the networks to what `images` were made of.

    `images`: B x 3 x H x W in [0, 1], of which the networks, in eval mode, see `size` at once.
    `by_tap`: the objective's gradient by every tap, of this process's shard of a batch.
    """
    parts = images.detach().split(size)
    gradients = by_tap(first_pass(parts, extractor, objective))
    by_images = []
    for i, part in enumerate(parts):
        seen = part.clone().requires_grad_()
        own = slice(i * size, i * size + len(part))
        taps = extractor(seen)
        extractor.backward(taps, [None if g is None else g.of(own) for g in gradients])
        assert seen.grad is not None
        by_images.append(seen.grad)
    images.backward(torch.cat(by_images))


@torch.no_grad()
def first_pass(parts: tuple[Tensor, ...], extractor: Extractor, objective: Matching) -> Shard:
    """What the objective has to know of all parts' taps."""
    target, count = objective.target, sum(map(len, parts))
    moments = Moments(torch.zeros_like(target.mean), torch.zeros_like(target.mean))
    pooled: dict[int, list[Pooled]] = {number: [] for number in objective.pooled_taps}
    for part in parts:
        taps = extractor(part)
        newest = batch_moments(taps, target.mean, target.layout)
        for total, moment in zip(moments, newest, strict=True):
            total.add_(moment, alpha=len(part) / count)
        for number, found in pooled.items():
            found.append(pool(taps[number]))
    return Shard(count, moments, lambda number: joined(pooled[number]))


def joined(parts: list[Pooled]) -> Pooled:
    """The pooled features of all parts' samples."""
    mean = torch.cat([part.mean for part in parts])
    deviation = torch.cat([part.deviation for part in parts])
    return Pooled(mean, deviation, parts[0].pixels)
