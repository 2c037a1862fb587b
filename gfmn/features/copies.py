"""Real images and changed copies of them, which count as real images too."""

import numpy as np
from pydantic import Field

from gfmn.common.bounds import SEEDS, SIDE
from gfmn.common.config import Config
from gfmn.common.images import shifted


class CopiesConfig(Config):
    """How often each image is measured, and what is done to it the second time and later."""

    count: int = Field(2, ge=2, le=100)  # times, the first of them unchanged
    flip: bool = True  # every second one is its mirror image
    # Pixels up to which the later ones are moved, drawn by `seed`.
    shift: int = Field(0, ge=0, le=SIDE)
    seed: int = Field(0, ge=0, le=SEEDS)


class Copies:
    """N x H x W x 3 images one after another, then all of them again, changed: count * N.

    Indexed as an array is, by a slice or by numbers. Pixels from outside an image are its
    reflection.
    """

    def __init__(self, images: np.ndarray, config: CopiesConfig) -> None:
        self.images, self.config = images, config
        rng = np.random.default_rng(config.seed)
        shape, limit = (config.count, len(images), 2), config.shift
        self.offsets = rng.integers(-limit, limit, shape, dtype=np.int16, endpoint=True)
        self.offsets[0] = 0

    def __len__(self) -> int:
        return self.config.count * len(self.images)

    def __getitem__(self, numbers: slice | np.ndarray) -> np.ndarray:
        numbers = np.arange(len(self))[numbers]
        copies, places = np.divmod(numbers, len(self.images))
        mirrored = (copies % 2 == 1) & self.config.flip
        return shifted(self.images[places], self.offsets[copies, places], mirrored)
