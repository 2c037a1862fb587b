"""Images from a trained generator: seeded, in bounded memory, in one of two batch-norm modes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from gfmn.common.bounds import FACTOR, SAMPLES, SEEDS
from gfmn.common.config import Config
from gfmn.common.images import signed_to_bytes
from gfmn.generators.conditional import Conditional
from gfmn.generators.noise import Purpose, noise, truncated

# Samples at a time; `batch` mode normalizes each part by its own statistics. Where they do not
# depend on each other, parts are small enough for a CPU's caches.
PARTS = {"batch": 256, "running": 64}


class SampleConfig(Config):
    """How many samples of a generator, and how they are drawn."""

    count: int = Field(5000, ge=2, le=SAMPLES)  # images
    seed: int = Field(0, ge=0, le=SEEDS)
    # The generator's batch norm: averages kept in training, or each batch's own (the published
    # code's default). The scores of the two differ.
    batchnorm: Literal["running", "batch"] = "running"
    # Largest |z|: typical images, fewer kinds; 0: any.
    truncation: float = Field(0.0, ge=0, le=FACTOR)


class SamplingConfig(SampleConfig):
    """A study's samples: the same of every run but for how many some runs have."""

    # By run.
    counts: dict[str, Annotated[int, Field(ge=2, le=SAMPLES)]] = Field(default_factory=dict)

    def of(self, run: str) -> SampleConfig:
        """A run's samples."""
        count = self.counts.get(run, self.count)
        fields = {name: getattr(self, name) for name in SampleConfig.model_fields}
        return SampleConfig(**{**fields, "count": count})


def latents(generator: nn.Module, latent: int, config: SampleConfig) -> Tensor:
    """The latents of `sample`, count x latent: each depends on the seed and its index alone."""
    z = noise(config.seed, Purpose.SAMPLING, 0, config.count, latent)
    if config.truncation:  # but for the number that says a class
        free = z[:, : latent - isinstance(generator, Conditional)]
        free.copy_(truncated(free, config.truncation))
    return z


@torch.inference_mode()
def images_of(generator: nn.Module, z: Tensor, batchnorm: str) -> Iterator[np.ndarray]:
    """The images of N latents, N x S x S x 3 uint8, a few hundred at a time.

    The generator's mode is changed until the last of them.
    """
    device = next(generator.parameters()).device
    with _mode(generator, batchnorm):
        for part in z.split(PARTS[batchnorm]):
            yield signed_to_bytes(generator(part.to(device)))


def sample_parts(generator: nn.Module, latent: int, config: SampleConfig) -> Iterator[np.ndarray]:
    """What `sample` returns, a few hundred images at a time."""
    return images_of(generator, latents(generator, latent, config), config.batchnorm)


def sample(generator: nn.Module, latent: int, config: SampleConfig) -> np.ndarray:
    """`config.count` images, N x S x S x 3 uint8; the generator is left as it was."""
    return np.concatenate(list(sample_parts(generator, latent, config)))


@torch.inference_mode()
def fixed_grid(generator: nn.Module, latent: int, seed: int, count: int = 64) -> np.ndarray:
    """The images of a run's fixed noise, count x S x S x 3 uint8, to watch it learn."""
    z = noise(seed, Purpose.GRID, 0, count, latent).to(next(generator.parameters()).device)
    with _mode(generator, "running"):
        return signed_to_bytes(generator(z))


@contextmanager
def _mode(generator: nn.Module, batchnorm: str) -> Iterator[None]:
    """Evaluation, or training mode whose batch norms keep their averages untouched."""
    training = generator.training
    norms = [m for m in generator.modules() if isinstance(m, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    counts = [norm.num_batches_tracked for norm in norms]
    generator.train(batchnorm == "batch")
    try:
        for norm in norms:
            norm.momentum = 0.0  # so that a batch changes no average
            norm.num_batches_tracked = None
        yield
    finally:
        generator.train(training)
        for norm, momentum, count in zip(norms, momenta, counts, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, count
