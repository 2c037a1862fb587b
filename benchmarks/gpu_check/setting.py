"""What every part of the check works on: a device, an extractor, images and their statistics."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gfmn.datasets import prepared
from gfmn.features import statistics
from gfmn.features.extractor import Extractor, TapSelection, load_extractor
from gfmn.runtime.distributed import World
from gfmn.training.config import TrainingConfig
from gfmn.training.trainer import Inputs, Trainer

IMAGE_SIZE = 32  # pixels
LONG = 1_000_000  # steps of a training that the clock ends


@dataclass(frozen=True)
class Setting:
    """The command's options, and the files that the part `inputs` writes for the others."""

    device: str = "cuda"
    out: str = "gpu-check"  # folder
    weights: str | None = None  # an extractor file or a checkpoint; None: random weights
    images: str | None = None  # a folder, parquet or .npy; None: crops of photographs
    minutes: float = 5.0  # of training
    quick: bool = False  # tiny sizes: does it run?

    @property
    def torch_device(self) -> torch.device:
        """The device that is checked."""
        return torch.device(self.device)

    @property
    def on_gpu(self) -> bool:
        """Whether that is a GPU."""
        return self.torch_device.type == "cuda"

    def file(self, name: str) -> Path:
        """A file in the folder of the output."""
        return Path(self.out) / name

    @property
    def taps(self) -> TapSelection:
        """All of them, or two to be quick."""
        return 2 if self.quick else "all"

    @property
    def batch(self) -> int:
        """The minibatch of a training step."""
        return 4 if self.quick else 64

    def extractor(self, device: str | None = None, precision: str = "fp32") -> Extractor:
        """The extractor, on the device that is checked by default."""
        world = World(device=torch.device(device or self.device))
        path = self.file("extractor.safetensors")
        return load_extractor(path, IMAGE_SIZE, self.taps, precision, world)

    def real_images(self) -> np.ndarray:
        """N x 32 x 32 x 3 uint8, memory-mapped."""
        return prepared.read(self.file("images")).images

    def inputs(self, device: str | None = None, precision: str = "fp32") -> Inputs:
        """What a training starts from, with the generator in the same precision."""
        real = statistics.load(self.file("statistics.safetensors"))
        generator = None if precision == "auto" else precision
        return Inputs(self.extractor(device, precision), real, precision=generator)

    def config(self, **changes: Any) -> TrainingConfig:
        """A training of DCGAN with seed 0, in fp32."""
        parameters = {
            "dataset": "images",
            "extractor": "extractor",
            "steps": LONG,
            "latent": 16 if self.quick else 100,
            "batch": self.batch,
            "lr": 2e-3,
            "ama": {"rate": 0.1, "normalize": "std"},  # the loss falls from the first steps on
            "precision": "fp32",
        }
        return TrainingConfig.parse({**parameters, **changes}, "gpu-check").each()[0]

    def trainer(self, inputs: Inputs, **changes: Any) -> Trainer:
        """A trainer of `config`."""
        return Trainer(self.config(**changes), inputs)


def features(extractor: Extractor) -> int:
    """Features of all taps together."""
    return sum(math.prod(tap.shape) for tap in extractor.taps)
