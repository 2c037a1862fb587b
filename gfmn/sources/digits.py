"""`digits`: the 1,797 handwritten digits inside scikit-learn, enlarged; small enough for tests."""

import numpy as np
from PIL import Image
from pydantic import Field

from gfmn.datasets.prepared import Chunks
from gfmn.sources.base import SOURCES, GeneratedSource


@SOURCES.register("digits")
class Digits(GeneratedSource):
    """The first `count` digits, 8 x 8 gray pixels enlarged to RGB."""

    count: int = Field(1797, ge=1, le=1797)  # images

    def chunks(self) -> Chunks:
        """All digits in one chunk, in the package's order, with their classes 0 to 9."""
        from sklearn.datasets import load_digits  # here: half a second

        data = load_digits()
        size = (self.image_size, self.image_size)
        images = [
            np.asarray(Image.fromarray(gray).convert("RGB").resize(size, Image.Resampling.BILINEAR))
            for gray in (data.images[: self.count] * (255 / 16)).round().astype(np.uint8)
        ]
        yield np.stack(images), data.target[: self.count]
