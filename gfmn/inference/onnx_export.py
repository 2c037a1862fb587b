"""`gfmn export`: a generator as an ONNX file, or a page; compared with PyTorch as it is written."""

import argparse
import importlib.util
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from gfmn.common.errors import InputError
from gfmn.common.images import signed_to_bytes, signed_to_unit
from gfmn.inference import options
from gfmn.inference.generator import TrainedGenerator, load
from gfmn.inference.image_files import check_writable, write_atomically
from gfmn.inference.output import Result

# The range of the file's images (see gfmn.common.images): bytes N x S x S x 3 uint8, unit
# N x 3 x S x S float32 in [0, 1].
Values = Literal["bytes", "unit"]
PACKAGES = ("onnx", "onnxruntime", "onnxscript")
BATCHES = (1, 2, 64)  # sizes that are compared: the file takes any number of latents
# Largest accepted difference from PyTorch's images. Sums may be taken in another order, which moves
# a value that is close to the middle of two levels to the other one, but few values are that close.
TOLERANCE = {"bytes": 1.0, "unit": 1e-4}  # levels of 255; the unit range
MAX_DIFFERING = 1e-3  # fraction of bytes that may differ by that level


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write a generator as an ONNX file, or as a page that runs it in a browser, and compare "
        "its images with PyTorch's."
    )
    options.add_model(parser)
    parser.add_argument(
        "out", type=Path, metavar="OUT", help="the file: .onnx, or .html for a page"
    )
    options.add_force(parser)
    parser.add_argument(
        "--values",
        choices=("bytes", "unit"),
        default="bytes",
        help="the images of the file: N x S x S x 3 uint8, or N x 3 x S x S float32 in [0, 1] "
        "(default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> Result:
    """Write the file; returns how far its images differ from PyTorch's, in one line."""
    out = arguments.out
    if out.suffix.lower() not in (".onnx", ".html"):
        raise InputError(f"OUT: expected a .onnx or an .html file, found {out}")
    check_writable(out, arguments.force)
    generator = load(arguments.model)
    if out.suffix.lower() == ".html":
        from gfmn.inference.playground import study_images, write_playground

        difference = write_playground(generator, out, study_images(generator), arguments.force)
    else:
        difference = export(generator, out, arguments.values, arguments.force)
    facts = {"out": str(out), "model": str(generator.folder), **asdict(difference)}
    return Result(f"{out}: {generator.name}; {difference}", facts)


@dataclass(frozen=True)
class Difference:
    """How far onnxruntime's images of a file differ from PyTorch's of the same latents."""

    values: Values
    images: int  # number of images compared
    largest: float  # largest difference of a value: levels of 255, or in [0, 1]
    differing: float  # fraction of values that differ at all

    @property
    def accepted(self) -> bool:
        """Whether the file makes the generator's images, up to rounding."""
        rounding = self.values == "unit" or self.differing <= MAX_DIFFERING
        return self.largest <= TOLERANCE[self.values] and rounding

    def __str__(self) -> str:
        unit = "of 255 levels" if self.values == "bytes" else "of 1"
        return (
            f"largest difference from PyTorch {self.largest:.2g} {unit}, in {self.differing:.2g} "
            f"of the values of {self.images} images"
        )


def export(
    generator: TrainedGenerator, path: Path, values: Values = "bytes", overwrite: bool = False
) -> Difference:
    """Write the generator as ONNX: `z` (N x latent float32, any N) -> `images`.

    `images` are N x S x S x 3 uint8 with `values="bytes"`, N x 3 x S x S float32 in [0, 1] with
    `"unit"`; batch norm uses the running statistics. The file holds the weights and metadata.
    Raises `InputError`, and leaves no file, where the packages of the extra `onnx` are missing or
    onnxruntime's images are not PyTorch's.
    """
    _check_packages()
    if values not in TOLERANCE:
        raise InputError(f"values: expected bytes or unit, found {values!r}")
    with write_atomically(path, overwrite) as partial:
        partial.write_bytes(_onnx_model(generator, values).SerializeToString())
        difference = compare(generator, partial, values)
        if not difference.accepted:
            expected = "expected PyTorch's images of onnxruntime"
            raise InputError(f"{path}: {expected}, found: {difference}")
    return difference


def compare(generator: TrainedGenerator, path: Path, values: Values) -> Difference:
    """Compare onnxruntime's images of a file with the generator's, in batches of several sizes."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    largest, differing, compared = 0.0, 0, 0
    for count in BATCHES:
        z = generator.latents(count, seed=count)
        (found,) = session.run(["images"], {"z": z.numpy()})
        expected = _pytorch_images(generator, z, values)
        if found.shape != expected.shape or found.dtype != expected.dtype:
            shapes = [f"{a.shape} {a.dtype}" for a in (expected, found)]
            raise InputError(f"{path}: images: expected {shapes[0]}, found {shapes[1]}")
        difference = np.abs(found.astype(np.float64) - expected)
        largest = max(largest, float(difference.max()))
        differing += int((difference > 0).sum())
        compared += difference.size
    return Difference(values, sum(BATCHES), largest, differing / compared)


class _ImageGenerator(nn.Module):
    """A generator followed by the conversion to bytes or to the unit range, as one graph."""

    def __init__(self, network: nn.Module, values: Values) -> None:
        super().__init__()
        self.network, self.values = network, values

    def forward(self, z: Tensor) -> Tensor:
        unit = signed_to_unit(self.network(z))
        if self.values == "unit":
            return unit
        levels = unit.mul(255).round().clamp(0, 255)  # as signed_to_bytes does
        return levels.to(torch.uint8).permute(0, 2, 3, 1)


@torch.inference_mode()
def _pytorch_images(generator: TrainedGenerator, z: Tensor, values: Values) -> np.ndarray:
    signed = generator.network(z.to(next(generator.network.parameters()).device))
    return signed_to_bytes(signed) if values == "bytes" else signed_to_unit(signed).cpu().numpy()


def _check_packages() -> None:
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(
            f"export: expected the packages {', '.join(PACKAGES)}, found no {missing[0]}; "
            f"pip install {' '.join(PACKAGES)} (the extra gfmn[onnx])"
        )


def _onnx_model(generator: TrainedGenerator, values: Values) -> Any:
    """The content of the file, an onnx.ModelProto."""
    import onnx

    network = _ImageGenerator(generator.network, values).eval()
    device = next(generator.network.parameters()).device
    with _exporter_silenced():
        program = torch.onnx.export(
            network,
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
    # The exporter's notes name source files by their paths on this machine.
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info):
        del part.metadata_props[:]
    for tensor in graph.initializer:
        del tensor.metadata_props[:]
    onnx.helper.set_model_props(model, _metadata(generator, values))
    onnx.checker.check_model(model, full_check=True)
    return model


def _metadata(generator: TrainedGenerator, values: Values) -> dict[str, str]:
    shapes = {
        "bytes": "N x size x size x 3, uint8, 0 to 255",
        "unit": "N x 3 x size x size, float32, 0 to 1",
    }
    fields = {
        "run": generator.name,
        "generator": generator.config["generator"],
        "input": "z: N x latent, float32, standard normal",
        "output": f"images: {shapes[values]}",
        "batchnorm": "running statistics",
        "latent": generator.latent,
        "image_size": generator.image_size,
    }
    return {key: v if isinstance(v, str) else json.dumps(v) for key, v in fields.items()}


@contextmanager
def _exporter_silenced() -> Iterator[None]:
    """Hide the warnings and messages of the exporter."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
