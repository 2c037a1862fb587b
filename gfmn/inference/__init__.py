"""A trained generator in use: images, animations, an ONNX file, a model card.

from gfmn.inference import load

generator = load("data/models/running/seed-0")
images = generator.sample(64, seed=0)  # 64 x S x S x 3 uint8
"""

from gfmn.inference.load import TrainedGenerator, load

__all__ = ["TrainedGenerator", "load"]
