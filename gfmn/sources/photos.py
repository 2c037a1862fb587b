"""`photos`: crops of the colour photographs inside scikit-image and scikit-learn."""

from collections.abc import Iterator
from importlib import resources
from typing import Literal

import numpy as np
from PIL import Image
from pydantic import Field

from gfmn.common.config import Config
from gfmn.common.errors import InputError
from gfmn.datasets.prepared import Chunk

PHOTOGRAPHS = (
    ("skimage.data", "astronaut.png"),
    ("skimage.data", "chelsea.png"),
    ("skimage.data", "coffee.png"),
    ("skimage.data", "hubble_deep_field.jpg"),
    ("skimage.data", "ihc.png"),
    ("skimage.data", "motorcycle_left.png"),
    ("skimage.data", "motorcycle_right.png"),
    ("skimage.data", "retina.jpg"),
    ("skimage.data", "rocket.jpg"),
    ("sklearn.datasets.images", "china.jpg"),
    ("sklearn.datasets.images", "flower.jpg"),
)


class Photos(Config):
    """Seeded square crops of the photographs, each photograph as often as any other."""

    source: Literal["photos"]
    image_size: int = Field(32, ge=8)  # pixels, after antialiased resizing
    count: int = Field(10_000, ge=1)  # crops
    smallest: float = Field(0.2, gt=0, le=1)  # least crop side, as a share of the shorter side
    seed: int = Field(0, ge=0)


def load_photographs() -> list[Image.Image]:
    """The photographs as RGB pictures of 427 to 1,411 pixels a side, in a fixed order."""
    pictures = []
    for package, name in PHOTOGRAPHS:
        with resources.as_file(resources.files(package) / name) as path:
            if not path.exists():
                raise InputError(f"{package}/{name}: expected inside the package, found no file")
            pictures.append(Image.open(path).convert("RGB"))
    return pictures


def chunks(config: Photos, size: int = 1000) -> Iterator[Chunk]:
    """Crops of side log-uniform between `smallest` and 1 times the photograph's shorter side."""
    pictures = load_photographs()
    rng = np.random.default_rng(config.seed)
    for start in range(0, config.count, size):
        n = min(size, config.count - start)
        crops = np.empty((n, config.image_size, config.image_size, 3), np.uint8)
        which = rng.integers(len(pictures), size=n)
        for i, index in enumerate(which):
            picture = pictures[index]
            share = np.exp(rng.uniform(np.log(config.smallest), 0))
            side = max(config.image_size, round(share * min(picture.size)))
            left, top = (int(rng.integers(extent - side + 1)) for extent in picture.size)
            crops[i] = picture.resize(
                (config.image_size, config.image_size),
                Image.Resampling.BILINEAR,  # Pillow antialiases whenever it shrinks
                box=(left, top, left + side, top + side),
            )
        yield crops, which
