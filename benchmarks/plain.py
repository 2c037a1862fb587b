"""A plain implementation of the paper's algorithm: short, eager, slow, and right.

All taps are concatenated, moments are taken by autograd, nothing is compiled. The numerical tests
compare the library with it, and the benchmarks measure against it.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Networks = Callable[[Tensor], list[Tensor]]


def concatenate(taps: Sequence[Tensor]) -> Tensor:
    """Every tap flattened, one row a sample: B x F float32."""
    return torch.cat([tap.float().flatten(1) for tap in taps], 1)


def statistics(networks: Networks, batches: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and unbiased variance over all batches of unit-range images, by sums in float64."""
    count, total, squares = 0, torch.zeros(1).double(), torch.zeros(1).double()
    for images in batches:
        features = concatenate(networks(images)).detach().double()
        count += len(features)
        total = total + features.sum(0)
        squares = squares + features.square().sum(0)
    mean = total / count
    return mean.float(), ((squares - count * mean.square()) / (count - 1)).float()


class PlainLoss:
    """Equation 1 on the minibatch."""

    def __init__(self, mean: Tensor, variance: Tensor) -> None:
        self.mean, self.variance = mean, variance

    def __call__(self, features: Tensor) -> Tensor:
        """The loss of B x F features, with its graph."""
        mean, variance = features.mean(0), features.var(0)
        return (self.mean - mean).square().sum() + (self.variance - variance).square().sum()


class MovingAverage(PlainLoss):
    """Section 2.2: v <- (1 - rate) v + rate Delta, then v . Delta."""

    def __init__(self, mean: Tensor, variance: Tensor, rate: float) -> None:
        super().__init__(mean, variance)
        self.v = torch.zeros(2, len(mean))
        self.rate = rate

    def __call__(self, features: Tensor) -> Tensor:
        """The surrogate of B x F features, with its graph, after a step of v."""
        delta = torch.stack([self.mean - features.mean(0), self.variance - features.var(0)])
        self.step(delta.detach())
        return (self.v * delta).sum()

    def step(self, delta: Tensor) -> None:
        """A step of v toward Delta (2 x F)."""
        self.v = (1 - self.rate) * self.v + self.rate * delta


class AdamMovingAverage(MovingAverage):
    """Section 2.2: v <- v - rate ADAM(v - Delta), then v . Delta; ADAM written out."""

    def __init__(
        self,
        mean: Tensor,
        variance: Tensor,
        rate: float,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
    ) -> None:
        super().__init__(mean, variance, rate)
        self.betas, self.eps, self.t = (beta1, beta2), eps, 0
        self.m, self.u = torch.zeros_like(self.v), torch.zeros_like(self.v)

    def step(self, delta: Tensor) -> None:
        """A step of v toward Delta (2 x F)."""
        (beta1, beta2), x = self.betas, self.v - delta
        self.t += 1
        self.m = beta1 * self.m + (1 - beta1) * x
        self.u = beta2 * self.u + (1 - beta2) * x.square()
        m_hat, u_hat = self.m / (1 - beta1**self.t), self.u / (1 - beta2**self.t)
        self.v = self.v - self.rate * m_hat / (u_hat.sqrt() + self.eps)


class Running(PlainLoss):
    """Beyond the paper: running moments through which the batch's gradient passes."""

    def __init__(
        self, mean: Tensor, variance: Tensor, sizes: Sequence[int], decay: float, floor: float
    ) -> None:
        super().__init__(mean, variance)
        self.sizes, self.decay, self.t = list(sizes), decay, 0
        self.first, self.second = torch.zeros_like(mean), torch.zeros_like(mean)
        parts = [s + floor * s.mean() for s in variance.sqrt().split(self.sizes)]
        self.scale = torch.cat(parts)
        self.tiny = (1e-2 * self.scale).square()
        self.sigma = (variance + self.tiny).sqrt()

    def __call__(self, features: Tensor) -> Tensor:
        """The loss of B x F features on moments about 0, with the batch's part of the graph."""
        self.t += 1
        centred = (features - self.mean).double()
        first = self.decay * self.first + (1 - self.decay) * centred.mean(0)
        second = self.decay * self.second + (1 - self.decay) * centred.square().mean(0)
        self.first, self.second = first.detach(), second.detach()
        first, second = (m / (1 - self.decay**self.t) for m in (first, second))
        deviation = (second - first.square() + self.tiny).sqrt()
        gaps = (first / self.scale).square() + ((deviation - self.sigma) / self.scale).square()
        return torch.stack([tap.mean() for tap in gaps.split(self.sizes)]).sum()
