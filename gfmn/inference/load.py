"""A trained generator from its folder, checked on the way in, and the images that it makes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pydantic
import safetensors
import torch
from torch import Tensor, nn

from gfmn import generators
from gfmn.common.config import Config, suggest
from gfmn.common.devices import default_device
from gfmn.common.errors import InputError
from gfmn.common.images import grid
from gfmn.generators.interpolation import COLUMNS, ROWS, images_at, loop_latents, row_latents
from gfmn.generators.noise import Purpose, noise
from gfmn.generators.sampling import SampleConfig, sample_parts

if TYPE_CHECKING:
    from gfmn.inference.onnx_export import Check, Values

WEIGHTS, CONFIG = "generator.safetensors", "config.json"


class _About(Config):
    """What `config.json` must hold for its weights to be read; it holds more."""

    model_config = pydantic.ConfigDict(extra="ignore")

    generator: str
    image_size: int  # pixels
    latent: int = pydantic.Field(ge=1, le=1 << 20)
    run: str = ""
    parameters: dict[str, Any] = pydantic.Field(default_factory=dict)


@dataclass(frozen=True)
class TrainedGenerator:
    """A generator in evaluation mode: latents in, images out, N x S x S x 3 uint8.

    Unless it is said otherwise batch norm takes the running statistics, so an image depends on its
    own latent alone. Counts below 1 and seeds below 0 raise `InputError`.
    """

    network: nn.Module  # latent -> 3 x S x S in [-1, 1], on `default_device()`
    about: Mapping[str, Any]  # config.json: how it came to be
    folder: Path

    @property
    def latent(self) -> int:
        """Length of z ~ N(0, I)."""
        return int(self.about["latent"])

    @property
    def image_size(self) -> int:
        """Side of an image in pixels."""
        return int(self.about["image_size"])

    @property
    def name(self) -> str:
        """The run and the training's seed, as far as `config.json` has them."""
        seed = self.about.get("parameters", {}).get("seed")
        run = self.about.get("run") or self.folder.name
        return run if seed is None else f"{run}, trained with seed {seed}"

    def __call__(self, z: Tensor | np.ndarray) -> np.ndarray:
        """The images of given latents, N x latent floats."""
        z = torch.as_tensor(z)
        if z.ndim != 2 or z.shape[1] != self.latent or not len(z) or not z.is_floating_point():
            found = f"{' x '.join(map(str, z.shape))} {z.dtype}".replace("torch.", "")
            raise InputError(f"z: expected N x {self.latent} floats, found {found}")
        return images_at(self.network, z.float())

    def latents(self, count: int, seed: int = 0) -> Tensor:
        """The z of `sample`, count x latent: each depends on the seed and its index alone."""
        _at_least(1, count=count)
        _at_least(0, seed=seed)
        return noise(seed, Purpose.SAMPLING, 0, count, self.latent)

    def sample(
        self, count: int = 64, seed: int = 0, batchnorm: Literal["running", "batch"] = "running"
    ) -> np.ndarray:
        """Random images: with a run's own `sample` parameters the pipeline's, to the byte."""
        return np.concatenate(list(self.parts(count, seed, batchnorm)))

    def parts(
        self, count: int, seed: int = 0, batchnorm: Literal["running", "batch"] = "running"
    ) -> Iterator[np.ndarray]:
        """What `sample` returns, a few hundred images at a time."""
        _at_least(1, count=count)
        if batchnorm == "running" and count == 1:  # which is too few for a batch's statistics
            return iter([self(self.latents(1, seed))])
        fields = {"count": count, "seed": seed, "batchnorm": batchnorm}
        return sample_parts(self.network, self.latent, SampleConfig.parse(fields, "sample"))

    def interpolate(self, rows: int = ROWS, columns: int = COLUMNS, seed: int = 0) -> np.ndarray:
        """From one sample to another along an arc, once a row: rows x columns x S x S x 3."""
        _at_least(1, rows=rows)
        _at_least(2, columns=columns)
        _at_least(0, seed=seed)
        z = row_latents(seed, rows, columns, self.latent)
        images = images_at(self.network, z.flatten(0, 1))
        return images.reshape(rows, columns, *images.shape[1:])

    def loop(
        self, points: int = 4, frames: int = 24, rows: int = 1, columns: int = 1, seed: int = 0
    ) -> np.ndarray:
        """An animation without an end: (points x frames) x (rows x S) x (columns x S) x 3.

        Each tile goes through `points` samples of its own, `frames` pictures from each to the
        next, and back to the first.
        """
        _at_least(2, points=points)
        _at_least(1, frames=frames, rows=rows, columns=columns)
        _at_least(0, seed=seed)
        starts = range(0, rows * columns * points, points)
        ways = (loop_latents(seed, points, frames, self.latent, start) for start in starts)
        tiles = np.stack([images_at(self.network, way) for way in ways], axis=1)
        return np.stack([grid(frame, columns) for frame in tiles])

    def export(
        self, path: str | Path, values: "Values" = "bytes", overwrite: bool = False
    ) -> "Check":
        """Write an ONNX file and compare what it makes; see `gfmn.inference.onnx_export.export`."""
        from gfmn.inference.onnx_export import export

        return export(self, Path(path), values, overwrite)


def load(folder: str | Path) -> TrainedGenerator:
    """The generator of a seed's folder, or of a run's folder that has one seed.

    Raises `InputError` where `config.json` or `generator.safetensors` is missing or malformed, or
    where one is not the other's.
    """
    folder = _seed_folder(Path(folder).expanduser())
    about = _about(folder / CONFIG)
    _check_weights(folder / WEIGHTS, about)
    network, facts = generators.load(folder)
    for key, value in network.state_dict().items():
        if not value.isfinite().all():
            raise InputError(f"{folder / WEIGHTS}: expected finite weights, found others in {key}")
    return TrainedGenerator(network.to(default_device()), facts, folder)


def _seed_folder(folder: Path) -> Path:
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise InputError(f"{folder}: expected a trained generator's folder, found {found}")
    if (folder / CONFIG).exists() or (folder / WEIGHTS).exists():
        return folder
    seeds = sorted(path for path in folder.glob("seed-*") if path.is_dir())
    if len(seeds) == 1:
        return seeds[0]
    if seeds:
        found = ", ".join(path.name for path in seeds)
        raise InputError(f"{folder}: expected one seed, found {found}: name one of these folders")
    raise InputError(f"{folder}: expected {CONFIG} and {WEIGHTS}, found neither, nor seed-<k>/")


def _about(path: Path) -> _About:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        found = "no file" if isinstance(error, FileNotFoundError) else error
        raise InputError(f"{path}: expected a generator's description, found {found}") from None
    about = _About.parse(data, f"{path}: $")
    if about.generator not in generators.GENERATORS:
        known = suggest(about.generator, generators.GENERATORS)
        raise InputError(f"{path}: $.generator: no {about.generator!r}; {known}")
    if about.image_size not in generators.IMAGE_SIZES:
        sizes = ", ".join(map(str, generators.IMAGE_SIZES))
        raise InputError(f"{path}: $.image_size: expected one of {sizes}, found {about.image_size}")
    return about


def _check_weights(path: Path, about: _About) -> None:
    """Names and shapes of the tensors are those of the generator that `config.json` names."""
    try:
        with safetensors.safe_open(path, "pt") as file:
            keys = file.keys()
            found = {key: tuple(file.get_slice(key).get_shape()) for key in keys}
    except FileNotFoundError:
        raise InputError(f"{path}: expected a generator's weights, found no file") from None
    except (safetensors.SafetensorError, OSError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: expected a whole safetensors file, found {reason}") from None
    with torch.device("meta"):
        network = generators.build(about.generator, about.image_size, about.latent)
    what = f"{about.generator} of {about.image_size} px and latent {about.latent}"
    where = f"{path}: expected the weights of a {what}, which {CONFIG} names, found"
    expected = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    for key, shape in expected.items():
        if key not in found:
            raise InputError(f"{where} no tensor {key!r}")
        if found[key] != shape:
            raise InputError(f"{where} {key!r} of the shape {found[key]} for {shape}")
    if surplus := next((key for key in found if key not in expected), None):
        raise InputError(f"{where} also {surplus!r}")


def _at_least(least: int, **values: int) -> None:
    for name, value in values.items():
        if type(value) is not int or value < least:
            raise InputError(f"{name}: expected a whole number of at least {least}, found {value}")
