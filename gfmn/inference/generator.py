"""A trained generator, loaded from its folder, and the images that it makes."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from gfmn.common.config import suggest
from gfmn.common.devices import default_device
from gfmn.common.errors import InputError
from gfmn.common.images import grid
from gfmn.generators import sampling
from gfmn.generators.conditional import Conditional
from gfmn.generators.interpolation import COLUMNS, ROWS, images_at, loop_latents, row_latents
from gfmn.generators.sampling import SampleConfig
from gfmn.inference import model_folder
from gfmn.inference.extras import optional_packages

if TYPE_CHECKING:
    from gfmn.inference.onnx_export import Difference, Values

REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")  # of a hub: owner and name


@dataclass(frozen=True)
class TrainedGenerator:
    """A generator in evaluation mode: latents in, images out, N x S x S x 3 uint8.

    Batch norm uses its running statistics unless a method is told otherwise, so that an image
    depends on its own latent alone. Counts below 1 and seeds below 0 raise `InputError`.
    """

    network: nn.Module  # latent -> 3 x S x S in [-1, 1], on `default_device()`
    config: Mapping[str, Any]  # the whole of config.json
    folder: Path

    @property
    def latent(self) -> int:
        """Length of z ~ N(0, I)."""
        return int(self.config["latent"])

    @property
    def image_size(self) -> int:
        """Side of an image in pixels."""
        return int(self.config["image_size"])

    @property
    def name(self) -> str:
        """The run and the seed that it was trained with, as far as `config.json` has them."""
        seed = self.config.get("parameters", {}).get("seed")
        run = self.config.get("run") or self.folder.name
        return run if seed is None else f"{run}, trained with seed {seed}"

    def __call__(self, z: Tensor | np.ndarray) -> np.ndarray:
        """Images of latents: N x latent floats -> N x S x S x 3 uint8."""
        z = torch.as_tensor(z)
        if z.ndim != 2 or z.shape[1] != self.latent or not len(z) or not z.is_floating_point():
            found = f"{' x '.join(map(str, z.shape))} {z.dtype}".replace("torch.", "")
            raise InputError(f"z: expected N x {self.latent} floats, found {found}")
        return images_at(self.network, z.float())

    @property
    def classes(self) -> list[str]:
        """The names of a conditional generator's classes, or their numbers; else empty."""
        frequencies = self.config.get("class_frequencies", ())
        return list(self.config.get("class_names") or map(str, range(len(frequencies))))

    def labels(self, z: Tensor) -> list[str]:
        """The class that each of N latents says, of `classes`; empty where there are none."""
        if not isinstance(self.network, Conditional):
            return []
        numbers = self.network.one_hot(z.to(next(self.network.buffers()).device)).argmax(1)
        return [self.classes[number] for number in numbers.tolist()]

    def latents(
        self, count: int, seed: int = 0, truncation: float = 0.0, label: str | None = None
    ) -> Tensor:
        """The latents of `sample`, count x latent: each depends on the seed and its index alone.

        `truncation`: the largest |z|, 0 for any; `label`: the one of `classes` that all are to be.
        """
        _require_at_least(1, count=count)
        _require_at_least(0, seed=seed)
        # Two at least, which `SampleConfig` asks for.
        fields = {"count": max(2, count), "seed": seed, "truncation": truncation}
        config = SampleConfig.parse(fields, "sample")
        z = sampling.latents(self.network, self.latent, config)[:count]
        if label is not None:
            if label not in self.classes:
                known_ones = suggest(label, self.classes) if self.classes else "it has no classes"
                raise InputError(f"{self.folder}: no class {label!r}; {known_ones}")
            number = self.classes.index(label)
            z[:, -1] = Conditional.number_of(number, self.config["class_frequencies"])
        return z

    def sample(
        self,
        count: int = 64,
        seed: int = 0,
        batchnorm: Literal["running", "batch"] = "running",
        truncation: float = 0.0,
        label: str | None = None,
    ) -> np.ndarray:
        """Random images; with the study's sampling parameters, the bytes of the stage `sample`."""
        return np.concatenate(list(self.sample_batches(count, seed, batchnorm, truncation, label)))

    def sample_batches(
        self,
        count: int,
        seed: int = 0,
        batchnorm: Literal["running", "batch"] = "running",
        truncation: float = 0.0,
        label: str | None = None,
    ) -> Iterator[np.ndarray]:
        """The images of `sample`, a few hundred at a time."""
        if batchnorm == "batch":  # a batch of one has no statistics
            SampleConfig.parse({"count": count}, "sample")
        z = self.latents(count, seed, truncation, label)
        return sampling.images_of(self.network, z, batchnorm)

    def interpolate(self, rows: int = ROWS, columns: int = COLUMNS, seed: int = 0) -> np.ndarray:
        """Interpolations along arcs, one a row: rows x columns x S x S x 3 uint8.

        Row i goes from sample 2i to sample 2i + 1 of the seed.
        """
        _require_at_least(1, rows=rows)
        _require_at_least(2, columns=columns)
        _require_at_least(0, seed=seed)
        z = row_latents(seed, rows, columns, self.latent)
        images = images_at(self.network, z.flatten(0, 1))
        return images.reshape(rows, columns, *images.shape[1:])

    def loop(
        self, points: int = 4, frames: int = 24, rows: int = 1, columns: int = 1, seed: int = 0
    ) -> np.ndarray:
        """Frames of a looping animation: (points x frames) x (rows x S) x (columns x S) x 3 uint8.

        Each tile passes through `points` samples of its own, with `frames` frames from one to the
        next, and returns to the first.
        """
        _require_at_least(2, points=points)
        _require_at_least(1, frames=frames, rows=rows, columns=columns)
        _require_at_least(0, seed=seed)
        starts = range(0, rows * columns * points, points)
        paths = (loop_latents(seed, points, frames, self.latent, start) for start in starts)
        tiles = np.stack([images_at(self.network, path) for path in paths], axis=1)
        return np.stack([grid(frame, columns) for frame in tiles])

    def export(
        self, path: str | Path, values: "Values" = "bytes", overwrite: bool = False
    ) -> "Difference":
        """Write an ONNX file and compare it; see `gfmn.inference.onnx_export.export`."""
        from gfmn.inference.onnx_export import export

        return export(self, Path(path), values, overwrite)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the folder that hubs of models publish, which `load` and `from_pretrained` read.

        That is `model.safetensors`, `config.json` and `README.md`: a card that the folder has
        already, such as that of `gfmn card`, else this generator's own, else a short one.
        """
        out = Path(folder).expanduser()
        model_folder.write(out, self.network, self.config, self.name, self.folder)

    def push_to_hub(self, repository: str, **options: Any) -> str:
        """Publish that folder as `owner/name` on the Hugging Face hub; returns the commit's URL.

        `options`: those of `huggingface_hub.ModelHubMixin.push_to_hub`, such as `private`. Needs
        the extra `hub`.
        """
        with optional_packages(f"publishing {repository!r}"):
            from gfmn.inference import hub
        return hub.push(self, repository, **options)

    @classmethod
    def from_pretrained(cls, source: str | Path, **options: Any) -> "TrainedGenerator":
        """The generator of a folder, or of the repository `owner/name` of the Hugging Face hub.

        `options`: of a repository, those of `huggingface_hub.ModelHubMixin.from_pretrained`, such
        as `revision`. A repository needs the extra `hub`. Raises `InputError` as `load` does, and
        for a repository that cannot be had.
        """
        if Path(source).expanduser().exists() or not REPOSITORY.fullmatch(str(source)):
            return load(source)
        with optional_packages(f"the repository {str(source)!r}, since no such folder is here"):
            from gfmn.inference import hub
        return hub.pull(str(source), **options)


def load(folder: str | Path) -> TrainedGenerator:
    """The generator of a seed's folder, of a run's that has one seed, or of a hub's layout.

    Raises `InputError` where `config.json` or the weights (`generator.safetensors` or
    `model.safetensors`) are missing or malformed, or where they do not belong together.
    """
    network, config, found = model_folder.read(Path(folder).expanduser())
    return TrainedGenerator(network.to(default_device()), config, found)


def _require_at_least(least: int, **values: int) -> None:
    for name, value in values.items():
        if type(value) is not int or value < least:
            raise InputError(f"{name}: expected a whole number of at least {least}, found {value}")
