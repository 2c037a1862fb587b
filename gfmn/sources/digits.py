"""`digits`: the 1,797 handwritten digits inside scikit-learn, enlarged; small enough for tests."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from PIL import Image
from pydantic import Field

from gfmn.common.config import Config
from gfmn.datasets.prepared import Chunk


class Digits(Config):
    """The first `count` digits, 8 x 8 grey pixels enlarged to RGB."""

    source: Literal["digits"]
    image_size: int = Field(32, ge=8)  # pixels
    count: int = Field(1797, ge=1, le=1797)  # images


def chunks(config: Digits) -> Iterator[Chunk]:
    """All digits in one chunk, in the package's order, with their classes 0 to 9."""
    from sklearn.datasets import load_digits  # here: half a second

    data = load_digits()
    size = (config.image_size, config.image_size)
    pictures = [
        np.asarray(Image.fromarray(grey).convert("RGB").resize(size, Image.Resampling.BILINEAR))
        for grey in (data.images[: config.count] * (255 / 16)).round().astype(np.uint8)
    ]
    yield np.stack(pictures), data.target[: config.count]
