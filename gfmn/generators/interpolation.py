"""Spherical interpolation between latents, and the images along the path.

z ~ N(0, I) lies near a sphere of radius sqrt(latent). A straight line between two of its points
passes well within that sphere, where a generator has seen nothing; an arc stays on it.
"""

import numpy as np
import torch
from torch import Tensor, nn

from gfmn.common.images import signed_to_bytes
from gfmn.generators.noise import Purpose, noise

BATCH = 256  # images at a time; each depends on its own latent alone
ROWS, COLUMNS = 8, 10  # of a grid
PARALLEL = 1e-6  # sine of an angle below which two directions span no arc


def slerp(start: Tensor, end: Tensor, t: Tensor) -> Tensor:
    """Points from `start` (t = 0) to `end` (t = 1): N x latent and T values -> N x T x latent.

    The direction turns at constant speed along the great circle (Shoemake 1985), the length goes
    linearly from one end's to the other's, so equal steps of t are equal angles. Between parallel
    or opposite directions, where there is no one arc, the line is straight.
    """
    a, b, t = start.double()[:, None], end.double()[:, None], t.double()[:, None]
    length_a, length_b = (x.norm(dim=-1, keepdim=True) for x in (a, b))
    unit_a, unit_b = a / length_a, b / length_b
    angle = (unit_a * unit_b).sum(-1, keepdim=True).clamp(-1, 1).acos()
    direction = ((1 - t) * angle).sin() * unit_a + (t * angle).sin() * unit_b
    arc = direction / angle.sin() * ((1 - t) * length_a + t * length_b)
    points = torch.where(angle.sin() > PARALLEL, arc, (1 - t) * a + t * b)
    return points.to(start.dtype)


def row_latents(seed: int, rows: int, columns: int, latent: int) -> Tensor:
    """Arcs in equal steps, both ends included: rows x columns x latent.

    Row i goes from sample 2i to sample 2i + 1 of those that `sampling.sample` draws with this seed.
    """
    ends = noise(seed, Purpose.SAMPLING, 0, 2 * rows, latent)
    return slerp(ends[::2], ends[1::2], torch.linspace(0, 1, columns, dtype=torch.float64))


def loop_latents(seed: int, points: int, frames: int, latent: int, start: int = 0) -> Tensor:
    """A closed path through `points` samples, `frames` steps from each to the next.

    Returns (points x frames) x latent: frame `frames * i` is sample `start + i` of this seed, the
    last one leads to the first. The path slows down at every sample, where it turns, so that the
    motion looks smooth.
    """
    ends = noise(seed, Purpose.SAMPLING, 0, points, latent, start)
    t = torch.arange(frames, dtype=torch.float64) / frames
    return slerp(ends, ends.roll(-1, 0), t * t * (3 - 2 * t)).flatten(0, 1)


@torch.inference_mode()
def images_at(generator: nn.Module, z: Tensor) -> np.ndarray:
    """The images of latents, batch norm on running statistics: N x latent -> N x S x S x 3 uint8.

    The generator is left as it was.
    """
    training = generator.training
    device = next(generator.parameters()).device
    generator.eval()
    try:
        parts = [signed_to_bytes(generator(part.to(device))) for part in z.split(BATCH)]
    finally:
        generator.train(training)
    return np.concatenate(parts)
