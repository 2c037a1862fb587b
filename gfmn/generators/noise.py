"""Noise as a function of seed, purpose, step and sample index alone."""

from enum import IntEnum

import numpy as np
import torch
from torch import Tensor


class Purpose(IntEnum):
    """What noise is for; the streams of two purposes are independent, whatever the seed."""

    TRAINING = 0
    GRID = 1
    SAMPLING = 2
    CRITIC = 3  # updates of a second player


def truncated(z: Tensor, bound: float) -> Tensor:
    """Standard normal z brought within +-`bound`, by quantiles (truncation: Brock et al. 2019)."""
    share = torch.special.ndtr(torch.tensor(-bound, dtype=torch.float64))
    quantiles = share + torch.special.ndtr(z.double()) * (1 - 2 * share)
    bounded: Tensor = torch.special.ndtri(quantiles).to(z.dtype)
    return bounded


def noise(
    seed: int, purpose: Purpose, step: int, count: int, latent: int, start: int = 0
) -> Tensor:
    """Standard normal z for samples `start` to `start + count` of a step: count x latent float32.

    Row i depends on (seed, purpose, step, i) alone, so a batch is the same however it is divided
    among processes, and a resumed run needs no generator state.
    """
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, purpose, step))))
    z = generator.standard_normal((start + count, latent), dtype=np.float32)
    return torch.from_numpy(z[start:])
