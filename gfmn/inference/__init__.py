"""A trained generator in use: images, animations, an ONNX file, a model card.

from gfmn.inference import load

generator = load("data/models/vgg16/seed-0")
images = generator.sample(64, seed=0)  # 64 x S x S x 3 uint8
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gfmn.inference.generator import TrainedGenerator


def load(folder: str | Path) -> "TrainedGenerator":
    """The generator of a seed's folder; see `gfmn.inference.generator.load`."""
    from gfmn.inference import generator  # here, so that commands without torch start at once

    return generator.load(folder)
