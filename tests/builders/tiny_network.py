"""A small network with taps, instead of an extractor."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from gfmn.features.extractor import Extractor, Tap
from gfmn.features.moments import Layout


class TinyNetwork(nn.Module):
    """Three taps of different widths over 8 px images, with the attributes of an extractor."""

    digest = "0" * 64
    batchnorm = "eval"
    roots = (2,)
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
