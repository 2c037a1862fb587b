"""Images' nearest real ones in pixels and in features: distances, percentiles, a picture."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gfmn.common.images import grid
from gfmn.metrics.metric import SPACES, Reference
from gfmn.metrics.nearest import nearest

CLOSEST = 3  # the images nearest to a real one, first in a picture
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)  # of the images by that distance, further on in it
BELOW = 3  # real images below each


@dataclass(frozen=True)
class Neighbors:
    """Distances (Q x k, ascending) to the nearest real images and these' numbers (Q x k)."""

    distances: np.ndarray
    indices: np.ndarray


def find_neighbors(
    images: np.ndarray, features: np.ndarray, real_images: np.ndarray, reference: Reference
) -> dict[str, Neighbors]:
    """The nearest real images of Q x H x W x 3 images of Q x D features, by `pixel`, `feature`."""
    pairs = ((images, real_images), (features, reference.real.features))
    return {
        space: Neighbors(*nearest(queries, real, BELOW))
        for space, (queries, real) in zip(SPACES, pairs, strict=True)
    }


def percentiles(distances: np.ndarray, held_out: np.ndarray, unit: str) -> dict[str, Any]:
    """Percentiles 0 to 100 of images' and of held-out images' distances, in `unit`."""
    points = np.arange(101)
    parts = {"generated": distances, "held_out": held_out}
    return {"unit": unit} | {
        name: [float(f"{value:.5g}") for value in np.percentile(values, points)]
        for name, values in parts.items()
    }


def picture(images: np.ndarray, real_images: np.ndarray, neighbors: Neighbors) -> np.ndarray:
    """The images nearest to a real one and some farther ones; below each its nearest real ones."""
    order = np.argsort(neighbors.distances[:, 0], kind="stable")
    last = len(images) - 1
    ranks = [min(rank, last) for rank in range(CLOSEST)]
    ranks += [round(quantile * last) for quantile in QUANTILES]
    chosen = order[ranks]
    rows = [images[chosen]]
    rows += [real_images[np.asarray(neighbors.indices[chosen, k])] for k in range(BELOW)]
    return grid(np.concatenate(rows), columns=len(chosen))
