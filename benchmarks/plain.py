"""A plain implementation of the paper's algorithm: short, eager, slow, and right.

All taps are concatenated, moments are taken by autograd, nothing is compiled. The numerical tests
compare the library with it, and the benchmarks measure against it.

It is this project's own writing of the algorithm. `BatchModeNetworks` and `Training` follow the
published code where that decides what a step costs: the networks in train mode, their weights
requiring gradients that nobody uses, NCHW memory, float32, the loss read at every step.
"""

from collections.abc import Callable, Sequence
from itertools import islice

import torch
from torch import Tensor, nn

from gfmn.common.images import signed_to_unit
from gfmn.networks import TappedNetwork

Networks = Callable[[Tensor], list[Tensor]]


class BatchModeNetworks:
    """The first `depth` taps of each network, batch norm by the batch's own statistics.

    `networks`: not folded, else there is no batch norm left. They are changed in place.
    """

    def __init__(self, networks: Sequence[TappedNetwork], depth: int) -> None:
        self.networks, self.depth = nn.ModuleList(networks), depth
        self.networks.train().requires_grad_(True).to(memory_format=torch.contiguous_format)

    def __call__(self, images: Tensor) -> list[Tensor]:
        """The taps of B x 3 x H x W images in [0, 1]."""
        taps: list[Tensor] = []
        for network in self.networks:
            assert isinstance(network, TappedNetwork)
            # A convolution follows its input's memory, and `normalize` returns channels-last.
            x = network.normalize(images).contiguous()
            taps += islice(network.activations(x), self.depth)
        return taps


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
        self.v = torch.zeros(2, len(mean), device=mean.device)
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


class MomentMatching(PlainLoss):
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
        centered = (features - self.mean).double()
        first = self.decay * self.first + (1 - self.decay) * centered.mean(0)
        second = self.decay * self.second + (1 - self.decay) * centered.square().mean(0)
        self.first, self.second = first.detach(), second.detach()
        first, second = (m / (1 - self.decay**self.t) for m in (first, second))
        deviation = (second - first.square() + self.tiny).sqrt()
        gaps = (first / self.scale).square() + ((deviation - self.sigma) / self.scale).square()
        return torch.stack([tap.mean() for tap in gaps.split(self.sizes)]).sum()


class Training:
    """The published code's training step; its parts are methods, so that each can be timed."""

    def __init__(
        self, networks: BatchModeNetworks, generator: nn.Module, loss: PlainLoss, latent: int
    ) -> None:
        self.networks, self.loss, self.latent = networks, loss, latent
        self.generator = generator.to(memory_format=torch.contiguous_format).train()
        self.device = next(generator.parameters()).device
        self.optimizer = torch.optim.Adam(generator.parameters(), lr=1e-4, betas=(0.5, 0.999))

    def step(self, batch: int) -> float:
        """One update of the generator; returns the loss."""
        images = self.generate(torch.randn(batch, self.latent, device=self.device))
        value = self.objective(self.extract(signed_to_unit(images)))
        self.backward(value)
        self.optimize()
        return value.item()

    def generate(self, z: Tensor) -> Tensor:
        """z -> images in [-1, 1]."""
        images: Tensor = self.generator(z)
        return images

    def extract(self, images: Tensor) -> list[Tensor]:
        """Images in [0, 1] -> taps."""
        return self.networks(images)

    def objective(self, taps: Sequence[Tensor]) -> Tensor:
        """The loss of the taps, with its graph."""
        return self.loss(concatenate(taps))

    def backward(self, value: Tensor) -> None:
        """Gradients of the generator's weights, and of the networks', which are thrown away."""
        self.optimizer.zero_grad()
        self.networks.networks.zero_grad()
        value.backward()

    def optimize(self) -> None:
        """The generator's step."""
        self.optimizer.step()
