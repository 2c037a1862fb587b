"""Minibatches of a prepared data set: memory-mapped, each image once an epoch."""

import numpy as np
import torch
from torch import Tensor

from gfmn.baselines.base import Batch
from gfmn.common.images import bytes_to_unit, difference, unit_to_signed
from gfmn.datasets.prepared import PreparedDataset

SHUFFLE = 3  # the stream of random numbers that orders are drawn from
MEASURED = 1000  # images


class RealImages:
    """The images of a data set in a new order each epoch.

    Image number k of a training is number k mod N of the permutation of epoch k div N, which is a
    function of the seed and the epoch alone; so `drawn`, the number of images so far, is all that
    a resumed training needs. A minibatch may begin in one epoch and end in the next.
    """

    def __init__(self, data: PreparedDataset, seed: int, with_labels: bool) -> None:
        self.images, self.seed, self.drawn = data.images, seed, 0
        self.labels = np.asarray(data.labels) if with_labels else None
        self._epoch, self._order = -1, np.arange(0)

    def indices(self, count: int) -> np.ndarray:
        """The next `count` images' places in the data set, sorted within each epoch."""
        parts, total = [], len(self.images)
        while count:
            epoch, start = divmod(self.drawn, total)
            if epoch != self._epoch:
                rng = np.random.default_rng((self.seed, SHUFFLE, epoch))
                self._epoch, self._order = epoch, rng.permutation(total)
            part = self._order[start : start + count]
            parts.append(np.sort(part))  # neighboring reads; a minibatch has no order
            self.drawn, count = self.drawn + len(part), count - len(part)
        return np.concatenate(parts)

    def next(self, count: int, device: torch.device) -> Batch:
        """The next minibatch."""
        indices = self.indices(count)
        images = unit_to_signed(bytes_to_unit(self.images[indices]))
        labels: Tensor | None = None
        if self.labels is not None:
            labels = torch.from_numpy(self.labels[indices]).to(device)
        return Batch(images.to(device), labels)


def real_difference(data: PreparedDataset) -> float:
    """How the real images differ from one another, in gray levels: see `difference`."""
    count = min(MEASURED, len(data.images))
    places = np.linspace(0, len(data.images) - 1, count).round().astype(int)
    return difference(data.images[places])


def class_frequencies(data: PreparedDataset) -> tuple[float, ...]:
    """The share of each class among the labels."""
    counts = np.bincount(np.asarray(data.labels))
    return tuple(float(share) for share in counts / counts.sum())
