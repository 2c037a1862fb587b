"""What several tests share: a small network with taps, and images."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gfmn.extractors import Extractor, Tap
from gfmn.moments import Layout, Target

# More threads than cores wait for each other in turns.
torch.set_num_threads(max(1, 2 // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))))


class TinyNetwork(nn.Module):
    """Three taps of different widths over 8 px images, with the attributes of an extractor."""

    digest = "0" * 64
    batchnorm = "eval"
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


def eager_and_compiled(probe: str, folder: Path, graphs: int) -> list[tuple[Tensor, Tensor]]:
    """The tensors that a script leaves in its list `found`, run eagerly and compiled.

    Each mode is a process of its own. Checks that at most so many graphs were compiled and that
    nothing fell back; skips where there is no compiler.
    """
    results = []
    for mode in ("0", "1"):
        place = folder / mode
        place.mkdir()
        done = subprocess.run(
            [sys.executable, "-c", probe + REPORT],
            cwd=place,
            env={**os.environ, "GFMN_COMPILE": mode},
            capture_output=True,
            text=True,
            check=True,
        )
        present, count = done.stdout.split()
        results.append(torch.load(place / "found.pt", weights_only=True))
        if mode == "0":
            assert (present, count) == ("False", "0")
        elif present == "False":
            pytest.skip("no compiler on this machine")
        else:
            assert int(count) <= graphs
            assert "fell back" not in done.stderr and "recompile_limit" not in done.stderr
    return list(zip(*results, strict=True))


REPORT = """
from gfmn.compiling import compiler_present
graphs = torch._dynamo.utils.counters["stats"].get("unique_graphs", 0)
print(compiler_present(), graphs)
torch.save(list(found), "found.pt")
"""
