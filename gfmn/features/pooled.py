"""Pooled features: each channel's mean and standard deviation over a tap's pixels.

A few hundred numbers a tap instead of tens of thousands, so that their covariances, distances and
neighbors are within reach.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gfmn.common.compiling import compiled
from gfmn.features.extractor import Tap
from gfmn.networks.rows import rows
from gfmn.networks.tap_gradients import ChannelGradient

EPS = 1e-6  # added to a variance, so that its root has a derivative where a channel is constant


class Pooled(NamedTuple):
    """A batch's tap pooled over its pixels: B x C each, float32."""

    mean: Tensor
    deviation: Tensor  # sqrt(population variance + EPS)
    pixels: int

    @property
    def vector(self) -> Tensor:
        """B x 2C: mean and deviation; of a tap of one pixel the mean alone, B x C."""
        return self.mean if self.pixels == 1 else torch.cat((self.mean, self.deviation), 1)

    def tap_gradient(self, by_vector: Tensor) -> ChannelGradient:
        """The gradient by the tap's features f, from that by `vector`.

        dm/df = 1 / HW and ds/df = (f - m) / (HW s) at each of the HW pixels.
        """
        if self.pixels == 1:
            return ChannelGradient(by_vector, torch.zeros_like(by_vector))
        by_mean, by_deviation = by_vector.chunk(2, 1)
        scale = by_deviation / (self.pixels * self.deviation)
        return ChannelGradient(by_mean / self.pixels - scale * self.mean, scale)

    def square_norm(self, by_vector: Tensor) -> Tensor:
        """The squared length of `tap_gradient` over all samples and pixels."""
        if self.pixels == 1:
            return by_vector.square().sum()
        by_mean, by_deviation = by_vector.chunk(2, 1)
        # The two parts are orthogonal over the pixels of a channel.
        varying = 1 - EPS / self.deviation.square()
        return (by_mean.square() + by_deviation.square() * varying).sum() / self.pixels


def pool(tap: Tensor) -> Pooled:
    """A tap, B x C x H x W in any precision, pooled."""
    pixels = tap.shape[2] * tap.shape[3]
    values = rows(tap.detach()).view(len(tap), pixels, tap.shape[1])
    mean, deviation = _mean_and_deviation(values)
    return Pooled(mean, deviation, pixels)


@compiled
def _mean_and_deviation(values: Tensor) -> tuple[Tensor, Tensor]:
    """Over the pixels of B x pixels x C; torch's own `var_mean` takes ten times as long here."""
    wide = values.float()
    mean = wide.mean(1)
    variance = (wide - mean[:, None]).square().mean(1)
    return mean, (variance + EPS).sqrt()


def stage_ends(taps: Sequence[Tap]) -> dict[str, int]:
    """The taps that are pooled, of each network the last of each resolution: name and D."""
    last = {(tap.name.partition(".")[0], tap.shape[1:]): tap for tap in taps}
    return {tap.name: tap.shape[0] * (1 if tap.shape[1:] == (1, 1) else 2) for tap in last.values()}
