"""`gfmn sample`: random images of a trained generator."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from gfmn.common.arguments import Number
from gfmn.common.bounds import FACTOR, SAMPLES
from gfmn.common.errors import InputError
from gfmn.inference import image_files, load, options
from gfmn.inference.output import Result

if TYPE_CHECKING:  # torch takes seconds to import
    from gfmn.inference.generator import TrainedGenerator


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_model(parser)
    options.add_out(
        parser,
        "a folder for PNGs and metadata.jsonl (the hub's imagefolder), an .npy file (N x S x S x 3 "
        "uint8), or a .png file for a grid",
    )
    options.add_format(parser, "npy", "png")
    parser.add_argument(
        "--count",
        type=Number(1, SAMPLES),
        default=64,
        help="number of images (default: %(default)s)",
    )
    options.add_seed(parser)
    parser.add_argument(
        "--batchnorm",
        choices=("running", "batch"),
        default="running",
        help="statistics of the generator's batch norm: the running ones of training, or those of "
        "each batch (default: %(default)s)",
    )
    parser.add_argument(
        "--truncation",
        type=Number(0, FACTOR, float),
        default=0.0,
        help="the largest |z| (default: any)",
    )
    parser.add_argument("--class", dest="label", help="of a conditional generator (default: all)")
    text = "of a grid (default: a square)"
    parser.add_argument("--columns", type=Number(1, SAMPLES), help=text)
    options.add_scale(parser, "1")


def run(arguments: argparse.Namespace) -> Result:
    """Write the images; returns what was written, in one line."""
    out, count, force = arguments.out, arguments.count, arguments.force
    suffix = options.suffix(arguments)
    if suffix not in ("", ".npy", ".png"):
        advice = "; gfmn interpolate makes GIFs" if suffix == ".gif" else ""
        raise InputError(f"--out: expected a folder, a .npy or a .png file, found {out}{advice}")
    options.require_format(arguments, ("columns",), suffix == ".png", "a .png file")
    options.require_format(arguments, ("scale",), suffix != ".npy", "PNGs")
    if suffix:
        image_files.check_writable(out, force)
    generator = load(arguments.model)
    batches = generator.sample_batches(
        count, arguments.seed, arguments.batchnorm, arguments.truncation, arguments.label
    )
    scale = 1 if arguments.scale is None else arguments.scale
    size = generator.image_size
    columns = _columns(arguments.columns, count)
    rows = -(-count // columns) if suffix == ".png" else 1
    image_files.check_scale(scale, rows * size, columns * size if suffix == ".png" else size)
    if suffix == ".npy":
        image_files.write_array(out, batches, count, generator.image_size, force)
    elif suffix == ".png":
        image_files.write_grid(out, np.concatenate(list(batches)), columns, scale, force)
    else:
        facts_of_each = _facts(generator, count, arguments)
        image_files.write_pngs(out, batches, scale, force, facts_of_each)
    text = (
        f"{out}: {count:,} images of {generator.name}; latents of seed {arguments.seed}, "
        f"batch norm on {arguments.batchnorm} statistics"
    )
    given = {key: getattr(arguments, key) for key in ("seed", "batchnorm", "truncation", "label")}
    facts = {"out": str(out), "count": count, "image_size": generator.image_size, **given}
    return Result(text, {**facts, "model": str(generator.folder), "name": generator.name})


def _facts(
    generator: "TrainedGenerator", count: int, arguments: argparse.Namespace
) -> Iterator[dict[str, Any]]:
    """Of each image its seed and index, and its class where it has one."""
    z = generator.latents(count, arguments.seed, arguments.truncation, arguments.label)
    labels = generator.labels(z)
    for index in range(count):
        yield {
            "seed": arguments.seed,
            "index": index,
            **({"label": labels[index]} if labels else {}),
        }


def _columns(columns: int | None, count: int) -> int:
    return min(round(count**0.5) if columns is None else columns, count)
