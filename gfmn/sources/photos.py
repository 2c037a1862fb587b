"""`photos`: crops of the color photographs inside scikit-image and scikit-learn."""

from importlib import resources

import numpy as np
from PIL import Image
from pydantic import Field

from gfmn.common.bounds import IMAGES, SEEDS
from gfmn.common.errors import InputError
from gfmn.datasets.prepared import Chunks
from gfmn.sources.base import SOURCES, GeneratedSource

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

CHUNK = 1000  # images at a time


@SOURCES.register("photos")
class Photos(GeneratedSource):
    """Seeded square crops of the photographs, each photograph as often as any other."""

    count: int = Field(10_000, ge=1, le=IMAGES)  # crops
    smallest: float = Field(0.2, gt=0, le=1)  # least crop side, as a share of the shorter side
    seed: int = Field(0, ge=0, le=SEEDS)

    def chunks(self) -> Chunks:
        """Crops whose side is log-uniform between `smallest` and 1, of the shorter side."""
        images = load_photographs()
        rng = np.random.default_rng(self.seed)
        for start in range(0, self.count, CHUNK):
            n = min(CHUNK, self.count - start)
            crops = np.empty((n, self.image_size, self.image_size, 3), np.uint8)
            which = rng.integers(len(images), size=n)
            for i, index in enumerate(which):
                image = images[index]
                share = np.exp(rng.uniform(np.log(self.smallest), 0))
                side = max(self.image_size, round(share * min(image.size)))
                left, top = (int(rng.integers(extent - side + 1)) for extent in image.size)
                crops[i] = image.resize(
                    (self.image_size, self.image_size),
                    Image.Resampling.BILINEAR,  # Pillow antialiases whenever it shrinks
                    box=(left, top, left + side, top + side),
                )
            yield crops, which


def load_photographs() -> list[Image.Image]:
    """All of them as RGB images of 427 to 1,411 pixels a side, in a fixed order."""
    images = []
    for package, name in PHOTOGRAPHS:
        with resources.as_file(resources.files(package) / name) as path:
            if not path.exists():
                raise InputError(f"{package}/{name}: expected inside the package, found no file")
            images.append(Image.open(path).convert("RGB"))
    return images
