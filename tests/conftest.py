"""What several tests share: a small network with taps, and images."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gfmn.extractors import Extractor, Tap
from gfmn.moments import Layout, Target

torch.set_num_threads(2)


class TinyNetwork(nn.Module):
    """Three taps of different widths over 8 px images, with the attributes of an extractor."""

    digest = "0" * 64
    ends = (2,)
    backward = Extractor.backward

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        torch.manual_seed(7)
        sizes = ((3, 6, 1), (6, 10, 2), (10, 5, 2))
        self.layers = nn.ModuleList(nn.Conv2d(i, o, 3, s, 1) for i, o, s in sizes)
        self.taps = (Tap("a", (6, 8, 8)), Tap("b", (10, 4, 4)), Tap("c", (5, 2, 2)))
        self.precision = {"tiny": "fp32"}
        self.requires_grad_(False).to(dtype=dtype, memory_format=torch.channels_last)

    def stream(self, images: Tensor) -> Iterator[Tensor]:
        yield from self(images)

    def forward(self, images: Tensor) -> list[Tensor]:
        taps, x = [], images.to(self.layers[0].weight.dtype, memory_format=torch.channels_last)
        for layer in self.layers:
            x = torch.relu(layer(x))
            taps.append(x)
        return taps

    @property
    def layout(self) -> Layout:
        return Layout(tuple(tap.shape for tap in self.taps))


@pytest.fixture
def network() -> TinyNetwork:
    return TinyNetwork()


@pytest.fixture
def target(network: TinyNetwork) -> Target:
    """Plausible real moments, not those of any image."""
    generator = torch.Generator().manual_seed(3)
    mean = torch.rand(network.layout.features, generator=generator)
    return Target(network.layout, mean, torch.rand(len(mean), generator=generator) + 0.1)


@pytest.fixture
def pictures() -> np.ndarray:
    """50 images of 8 px, uint8, all different."""
    return np.random.default_rng(0).integers(0, 256, (50, 8, 8, 3), dtype=np.uint8)
