"""Generators by name, and the file that holds a trained one."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import safetensors.torch
import torch
from torch import Tensor, nn

from gfmn.common import json_reader, tensorfile
from gfmn.common.errors import InputError
from gfmn.common.files import replacing
from gfmn.common.regular_files import one_line, read_bytes
from gfmn.generators import (  # noqa: F401 - each registers its generator
    coded,
    dcgan,
    resnet,
)
from gfmn.generators.conditional import Conditional
from gfmn.generators.registry import GENERATORS

if TYPE_CHECKING:  # which cannot follow what is made at run time
    Name = str
else:
    Name = Literal[tuple(GENERATORS)]  # as parameters have it
IMAGE_SIZES = (32, 48, 64, 128)  # pixels that every generator can make
DECODER_FORMAT = "decoder-1"
DIGESTS = "sha256"  # in `config.json`: of each file of weights, by its path in the folder


@dataclass(frozen=True)
class Decoder:
    """A generator that rebuilds images from codes."""

    generator: str
    image_size: int  # pixels
    latent: int
    state: Mapping[str, Tensor]


def build(name: str, image_size: int, latent: int, frequencies: Sequence[float] = ()) -> nn.Module:
    """A fresh generator on the CPU, channels-last; its weights come from torch's global seed.

    `frequencies`: of the classes of a conditional one.
    """
    make = GENERATORS[name]
    if not frequencies:
        return make(image_size=image_size, latent=latent).to(memory_format=torch.channels_last)
    inner = make(image_size=image_size, latent=latent - 1 + len(frequencies))
    return Conditional(inner, frequencies).to(memory_format=torch.channels_last)


def save(generator: nn.Module, path: Path) -> None:
    """Weights and batch-norm statistics as safetensors; all else is in `config.json` beside it."""
    with replacing(path) as partial:
        partial.write_bytes(dump(generator))  # safetensors' own files have mode 0600


def dump(generator: nn.Module) -> bytes:
    """The content of the file that `save` writes."""
    state = {key: value.contiguous().cpu() for key, value in generator.state_dict().items()}
    return bytes(safetensors.torch.save(state))


def save_decoder(decoder: Decoder | None, path: Path) -> None:
    """Write a decoder, or that there is none."""
    metadata: dict[str, Any] = {"format": DECODER_FORMAT, "generator": None}
    tensors: dict[str, Tensor] = {}
    if decoder is not None:
        metadata |= {k: getattr(decoder, k) for k in ("generator", "image_size", "latent")}
        tensors = {key: value.contiguous().cpu() for key, value in decoder.state.items()}
    tensorfile.write(path, tensors, metadata)


def load_decoder(
    path: Path, generator: str, image_size: int, latent: int
) -> dict[str, Tensor] | None:
    """A decoder's weights for a generator to start from, or None where the file holds none.

    Raises `InputError` for a file of another generator, and for one that is no decoder's.
    """
    metadata = tensorfile.read_metadata(path, DECODER_FORMAT)
    if metadata.get("generator", "") is None:
        return None
    for key, value in (("generator", generator), ("image_size", image_size), ("latent", latent)):
        if (found := metadata.get(key)) != value:
            raise InputError(f"{path}: expected a decoder of {key} {value!r}, found {found!r}")
    tensors = tensorfile.read(path)
    _check_numbers(tensors, path)
    return tensors


def load(folder: Path, weights: str = "generator.safetensors") -> tuple[nn.Module, dict[str, Any]]:
    """A trained generator in evaluation mode and its `config.json`, from a run's model folder.

    `weights`: its file in the folder, or that of a snapshot. Raises `InputError` for a damaged one,
    which has another sha256 than `config.json` says; that of an earlier version says none.
    """
    path = folder / weights
    config = json_reader.read(folder / "config.json", "a generator's description")
    try:
        data = read_bytes(path)
        if DIGESTS in config:
            _check_digest(path, data, config[DIGESTS].get(weights))
        name, image_size, latent = (config[key] for key in ("generator", "image_size", "latent"))
        generator = build(name, image_size, latent, config.get("class_frequencies", ()))
        tensors = tensorfile.parse(data, str(path))
        _check_numbers(tensors, path)
        generator.load_state_dict(tensors)
    except InputError:
        raise
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError) as error:
        raise InputError(f"{path}: expected a trained generator, found {one_line(error)}") from None
    return generator.eval(), config


def digests(folder: Path, files: Iterable[str]) -> dict[str, str]:
    """The sha256 of files of a model folder, for its `config.json`."""
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files}


def _check_numbers(tensors: Mapping[str, Tensor], path: Path) -> None:
    """Raise `InputError` for weights that are no finite floats, and for a variance below 0."""
    floats = {k: v for k, v in tensors.items() if not k.endswith("num_batches_tracked")}
    tensorfile.check_numbers(floats, path)
    variances = {k: v for k, v in floats.items() if k.endswith("running_var")}
    tensorfile.check_numbers(variances, path, least=0)


def _check_digest(path: Path, data: bytes, expected: str | None) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        digests = f"expected sha256 {expected!s:.12}, as config.json says, found {found:.12}"
        raise InputError(f"{path}: {digests}: one of the two files is damaged")


def trained_seeds(folder: Path) -> list[int]:
    """The seeds of a run's model folder, whose `seed-<k>` folders hold a generator each, sorted.

    Raises `InputError` where there is none.
    """
    seeds = sorted(int(path.name.removeprefix("seed-")) for path in folder.glob("seed-*"))
    if not seeds:
        raise InputError(f"{folder}: expected trained generators in seed-<k>, found none")
    return seeds
