"""A generator as an ONNX file that makes images in any program, checked as it is written."""

import importlib.util
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from gfmn.common.errors import InputError
from gfmn.common.images import signed_to_bytes, signed_to_unit
from gfmn.inference.images import writing
from gfmn.inference.load import TrainedGenerator

# What a file's images are, in the words of `gfmn.common.images`: bytes N x S x S x 3 uint8, unit
# N x 3 x S x S float32 in [0, 1].
Values = Literal["bytes", "unit"]
PACKAGES = ("onnx", "onnxruntime", "onnxscript")
BATCHES = (1, 2, 64)  # that are compared: the number of latents is free in the file
# The largest difference from PyTorch's images. The order of a sum may differ, which moves a value
# that is about to be rounded to the neighbouring level, but only few of them.
TOLERANCE = {"bytes": 1.0, "unit": 1e-4}  # levels of 255; the unit range
SHARE = 1e-3  # of bytes that may be another level


@dataclass(frozen=True)
class Check:
    """What a file's images were found to be beside PyTorch's of the same latents."""

    values: Values
    images: int  # that were compared
    largest: float  # difference of a value: levels of 255, or in [0, 1]
    share: float  # of values that differ at all

    @property
    def passed(self) -> bool:
        """Whether the file makes the generator's images."""
        alike = self.values == "unit" or self.share <= SHARE
        return self.largest <= TOLERANCE[self.values] and alike

    def __str__(self) -> str:
        unit = "of 255 levels" if self.values == "bytes" else "of 1"
        return (
            f"largest difference from PyTorch {self.largest:.2g} {unit}, in {self.share:.2g} of "
            f"the values of {self.images} images"
        )


def export(
    generator: TrainedGenerator, path: Path, values: Values = "bytes", overwrite: bool = False
) -> Check:
    """Write the generator as ONNX: `z` (N x latent float32, N free) -> `images`.

    `images` are N x S x S x 3 uint8 with `values="bytes"`, N x 3 x S x S float32 in [0, 1] with
    `"unit"`; batch norm takes the running statistics. The file is whole, without a second one of
    weights, and its metadata say what it is. Raises `InputError`, and leaves no file, where the
    extra's packages are missing or onnxruntime's images are not PyTorch's.
    """
    _check_packages()
    if values not in TOLERANCE:
        raise InputError(f"values: expected bytes or unit, found {values!r}")
    with writing(path, overwrite) as partial:
        partial.write_bytes(_model(generator, values).SerializeToString())
        check = compare(generator, partial, values)
        if not check.passed:
            raise InputError(f"{path}: expected PyTorch's images of onnxruntime, found: {check}")
    return check


def compare(generator: TrainedGenerator, path: Path, values: Values) -> Check:
    """onnxruntime's images of a file beside the generator's, of batches of several sizes."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    largest, differing, compared, images = 0.0, 0, 0, 0
    for count in BATCHES:
        z = generator.latents(count, seed=count)
        (found,) = session.run(["images"], {"z": z.numpy()})
        expected = _expected(generator, z, values)
        if found.shape != expected.shape or found.dtype != expected.dtype:
            shapes = [f"{a.shape} {a.dtype}" for a in (expected, found)]
            raise InputError(f"{path}: images: expected {shapes[0]}, found {shapes[1]}")
        difference = np.abs(found.astype(np.float64) - expected)
        largest = max(largest, float(difference.max()))
        differing += int((difference > 0).sum())
        compared, images = compared + difference.size, images + count
    return Check(values, images, largest, differing / compared)


class _Pictures(nn.Module):
    """A generator with the way to the values of an image behind it, as a graph can have it."""

    def __init__(self, network: nn.Module, values: Values) -> None:
        super().__init__()
        self.network, self.values = network, values

    def forward(self, z: Tensor) -> Tensor:
        unit = signed_to_unit(self.network(z))
        if self.values == "unit":
            return unit
        levels = unit.mul(255).round().clamp(0, 255)  # as signed_to_bytes
        return levels.to(torch.uint8).permute(0, 2, 3, 1)


@torch.inference_mode()
def _expected(generator: TrainedGenerator, z: Tensor, values: Values) -> np.ndarray:
    signed = generator.network(z.to(next(generator.network.parameters()).device))
    return signed_to_bytes(signed) if values == "bytes" else signed_to_unit(signed).cpu().numpy()


def _check_packages() -> None:
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"export: expected the packages {', '.join(PACKAGES)}, found no {missing[0]}; "
            f"pip install {' '.join(PACKAGES)} (the extra gfmn[onnx])"
        )


def _model(generator: TrainedGenerator, values: Values) -> Any:
    """The file's content, an onnx.ModelProto."""
    import onnx

    pictures = _Pictures(generator.network, values).eval()
    device = next(generator.network.parameters()).device
    with _quiet():
        program = torch.onnx.export(
            pictures,
            (torch.zeros(2, generator.latent, device=device),),
            dynamo=True,
            dynamic_shapes=({0: torch.export.Dim("N", min=1)},),
            input_names=["z"],
            output_names=["images"],
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    graph = model.graph
    # The exporter's notes name source files with their folders on this machine.
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info):
        del part.metadata_props[:]
    for tensor in graph.initializer:
        del tensor.metadata_props[:]
    onnx.helper.set_model_props(model, _facts(generator, values))
    onnx.checker.check_model(model, full_check=True)
    return model


def _facts(generator: TrainedGenerator, values: Values) -> dict[str, str]:
    shapes = {
        "bytes": "N x size x size x 3, uint8, 0 to 255",
        "unit": "N x 3 x size x size, float32, 0 to 1",
    }
    facts = {
        "run": generator.name,
        "generator": generator.about["generator"],
        "input": "z: N x latent, float32, standard normal",
        "output": f"images: {shapes[values]}",
        "batchnorm": "running statistics",
        "latent": generator.latent,
        "image_size": generator.image_size,
    }
    return {key: v if isinstance(v, str) else json.dumps(v) for key, v in facts.items()}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks on its own workings."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
