"""`gfmn interpolate`: images between samples of a trained generator, as a grid or a GIF."""

import argparse

from gfmn.common.arguments import Number
from gfmn.common.bounds import SAMPLES
from gfmn.common.errors import InputError
from gfmn.inference import image_files, load, options
from gfmn.inference.output import Result

GIF = {"points": 4, "frames": 24, "milliseconds": 40, "rows": 4, "columns": 4}
SLOWEST = 655350  # milliseconds, which a GIF has in 16 bits of tens
GRID = {"rows": 8, "columns": 10}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add_model(parser)
    options.add_out(
        parser, "a .png file: each row from one sample to another; a .gif file: tiles that loop"
    )
    options.add_format(parser, "png", "gif")
    options.add_seed(parser)
    for name, default in GRID.items():
        text = f"of tiles (default: {default}; for a GIF {GIF[name]})"
        parser.add_argument(f"--{name}", type=Number(1, SAMPLES), help=text)
    for name, least, most, text in (
        ("points", 2, SAMPLES, "for a GIF: samples that each tile passes through"),
        ("frames", 1, SAMPLES, "for a GIF: frames from one sample to the next"),
        ("milliseconds", 1, SLOWEST, "for a GIF: duration of a frame, a multiple of 10"),
    ):
        number, text = Number(least, most), f"{text} (default: {GIF[name]})"
        parser.add_argument(f"--{name}", type=number, help=text)
    options.add_scale(parser, f"1; a GIF is enlarged to at most {image_files.GIF_SIDE} pixels")


def run(arguments: argparse.Namespace) -> Result:
    """Write the images; returns what was written, in one line."""
    out, seed, force = arguments.out, arguments.seed, arguments.force
    suffix = options.suffix(arguments)
    if suffix not in (".png", ".gif"):
        raise InputError(f"--out: expected a .png or a .gif file, found {out}")
    options.require_format(
        arguments, ("points", "frames", "milliseconds"), suffix == ".gif", "a .gif file"
    )
    image_files.check_writable(out, force)
    sizes = dict(GIF if suffix == ".gif" else GRID)
    sizes |= {key: getattr(arguments, key) for key in sizes if getattr(arguments, key) is not None}
    generator = load(arguments.model)
    height, width = (sizes[key] * generator.image_size for key in ("rows", "columns"))
    frames = sizes.get("points", 1) * sizes.get("frames", 1)
    image_files.check_scale(arguments.scale or 1, height, width, frames)
    if suffix == ".gif":
        milliseconds = sizes.pop("milliseconds")
        images = generator.loop(**sizes, seed=seed)
        image_files.write_gif(out, images, milliseconds, arguments.scale, force)
        content = f"{frames} frames in {frames * milliseconds / 1000:.1f} s"
    else:
        images = generator.interpolate(**sizes, seed=seed)
        tiles = images.reshape(-1, *images.shape[2:])
        scale = 1 if arguments.scale is None else arguments.scale
        image_files.write_grid(out, tiles, sizes["columns"], scale, force)
        content = f"{sizes['rows']} interpolations in {sizes['columns']} steps"
    text = f"{out}: {content}, of {generator.name}; latents of seed {seed}"
    return Result(text, {"out": str(out), "model": str(generator.folder), "seed": seed, **sizes})
