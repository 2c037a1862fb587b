"""A data set's images, batch by batch."""

import numpy as np

from gfmn.features.copies import Copies


class Batches:
    """N x H x W x 3 images in batches of nearly equal size, `most` at most."""

    def __init__(self, images: np.ndarray | Copies, most: int, shuffle: bool) -> None:
        count = -(-len(images) // most)
        self.images, self.ends = images, np.linspace(0, len(images), count + 1).round().astype(int)
        # In the source's order neighbors are alike: often they are of one class.
        self.order = np.random.default_rng(0).permutation(len(images)) if shuffle else None

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __getitem__(self, i: int) -> np.ndarray:
        part = slice(self.ends[i], self.ends[i + 1])
        return self.images[part if self.order is None else self.numbers(i)]

    def numbers(self, i: int) -> np.ndarray:
        """Which images a batch has, in its order."""
        numbers = np.arange(self.ends[i], self.ends[i + 1])
        return numbers if self.order is None else np.sort(self.order[numbers])
