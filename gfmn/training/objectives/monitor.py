"""What a training reports about its generator, whatever the objective is."""

import numpy as np
import torch
from torch import Tensor, nn

from gfmn.features.moments import Moments, RunningMoments
from gfmn.features.target import Target, differences

LOSS_DECAY = 0.9  # of the past losses in the one that is reported
GAPS_DECAY = 0.95  # of the past moments in those of the gaps


class Monitor(nn.Module):
    """Equation 1 of the generator as it is, and per tap how far its moments are from the real ones.

    Equation 1 of one minibatch is mostly noise, and equation 1 of moments that were averaged over
    updates is that of a mixture of generators, in which what one has too much another has too
    little. The product of the differences of two minibatches, one after the other, is neither:
    their noise is independent, so the product's expectation is equation 1 of generators that are
    one update apart. It can be negative near 0. The buffers are the state.
    """

    previous_mean: Tensor  # real minus generated mean of the last minibatch, F
    previous_variance: Tensor  # and of the variances
    average: Tensor  # of the products, toward 0 at the start
    batches: Tensor

    def __init__(self, target: Target) -> None:
        super().__init__()
        self.target = target
        zero = torch.zeros((), dtype=torch.float64, device=target.mean.device)
        self.register_buffer("previous_mean", torch.zeros_like(target.mean))
        self.register_buffer("previous_variance", torch.zeros_like(target.mean))
        self.register_buffer("average", zero)
        self.register_buffer("batches", zero.clone())
        self.moments = RunningMoments(target.layout.features, GAPS_DECAY, target.mean.device)

    def update(self, batch: Moments, count: int) -> None:
        """Take in a further minibatch of `count` samples: its moments about the real mean."""
        self.moments.update(batch)
        delta = differences(self.target, batch, count)
        is_first = self.batches == 0  # no minibatch came before it: it stands for that one too
        previous_mean = torch.where(is_first, delta.mean, self.previous_mean)
        previous_variance = torch.where(is_first, delta.variance, self.previous_variance)
        product = delta.mean @ previous_mean + delta.variance @ previous_variance
        self.average.lerp_(product.double(), 1 - LOSS_DECAY)
        self.batches += 1
        self.previous_mean.copy_(delta.mean)
        self.previous_variance.copy_(delta.variance)

    def loss(self) -> Tensor:
        """Equation 1 of the last generators, about ten, each for itself; after one minibatch."""
        return self.average / (1 - LOSS_DECAY**self.batches)

    def gaps(self) -> list[tuple[float, float]]:
        """Per tap, the root-mean-square gap of means and of standard deviations.

        In units of the tap's root-mean-square real standard deviation, on the moments of the last
        minibatches together, about 20.
        """
        moments, real = self.moments.current(), self.target.variance
        deviation = moments.variance().sqrt_() - real.sqrt()
        result = []
        for place in self.target.layout.slices():
            unit = real[place].mean().sqrt().clamp_min(1e-12)
            means, deviations = moments.first[place], deviation[place]
            result.append(
                (
                    float(means.square().mean().sqrt() / unit),
                    float(deviations.square().mean().sqrt() / unit),
                )
            )
        return result

    def gap(self) -> float:
        """How far means and standard deviations are from the real ones, in real deviations.

        The root mean square of `gaps`: a generator of gray images is about 1 away, 0 is real.
        """
        gaps = [value for pair in self.gaps() for value in pair]
        return float(np.sqrt(np.mean(np.square(gaps))))
