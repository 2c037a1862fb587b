"""The command `gfmn`: what a trained generator is for, from a shell.

torch takes seconds to import, so the commands import what they need when they run.
"""

import argparse
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from gfmn.common.errors import InputError

DESCRIPTION = """\
Use a trained generator: images, interpolations, an ONNX file, a model card.

MODEL is the folder of a trained seed, data/models/<run>/seed-<k>, or that of a run with one seed.
Nothing that exists is overwritten without --force.
"""
EXAMPLES = """\
examples:
  gfmn sample data/models/running --count 1000 --out images/
  gfmn sample data/models/running --seed 7 --out grid.png
  gfmn interpolate data/models/running --out loop.gif
  gfmn export data/models/running generator.onnx
  gfmn card running --out MODEL_CARD.md

Images are scored by python -m gfmn.metrics.
"""
GIF = {"points": 4, "frames": 24, "milliseconds": 40, "rows": 4, "columns": 4}
GRID = {"rows": 8, "columns": 10}


def main(words: list[str] | None = None) -> None:
    """Run the command line; what is wrong with files or values is one line and exit code 1."""
    arguments = _parser().parse_args(words)
    try:
        print(arguments.command(arguments))
    except InputError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gfmn",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"gfmn {metadata.version('gfmn')}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(
        name: str, command: Callable[[argparse.Namespace], str], help: str
    ) -> argparse.ArgumentParser:
        found = commands.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}.")
        found.set_defaults(command=command)
        return found

    sample = add("sample", _sample, "random images: a folder of PNGs, one array, or a grid")
    _model(sample)
    _out(sample, "a folder for PNGs, a .npy file (N x S x S x 3 uint8), or a .png file for a grid")
    sample.add_argument("--count", type=int, default=64, help="images (default: %(default)s)")
    _seed(sample)
    sample.add_argument(
        "--batchnorm",
        choices=("running", "batch"),
        default="running",
        help="statistics of the generator's batch norm: those kept in training, or the batch's own "
        "(default: %(default)s)",
    )
    sample.add_argument("--columns", type=int, help="of a grid (default: about as many as rows)")
    _scale(sample, "1")

    between = add("interpolate", _interpolate, "the way from latent to latent: a grid, or a GIF")
    _model(between)
    _out(between, "a .png file: each row from one sample to another; a .gif file: tiles that loop")
    _seed(between)
    for name in ("rows", "columns"):
        text = f"of tiles (default: {GRID[name]}; of a GIF {GIF[name]})"
        between.add_argument(f"--{name}", type=int, help=text)
    for name, text in (
        ("points", "of a GIF: samples that each tile goes through"),
        ("frames", "of a GIF: pictures from one sample to the next"),
        ("milliseconds", "of a GIF: that a picture is shown, a multiple of 10"),
    ):
        between.add_argument(f"--{name}", type=int, help=f"{text} (default: {GIF[name]})")
    _scale(between, "1; a GIF is brought to at most 384 pixels")

    export = add("export", _export, "the generator as an ONNX file, compared with PyTorch")
    _model(export)
    export.add_argument("out", type=Path, metavar="OUT", help="the file, .onnx")
    _force(export)
    export.add_argument(
        "--values",
        choices=("bytes", "unit"),
        default="bytes",
        help="what the file makes: N x S x S x 3 uint8, or N x 3 x S x S float32 in [0, 1] "
        "(default: %(default)s)",
    )

    card = add("card", _card, "a model card of what a study recorded of a run, with its picture")
    card.add_argument("run", metavar="RUN", help="the run's name in the study's params.yaml")
    card.add_argument(
        "--study", type=Path, default=Path(), help="the study's folder (default: this one)"
    )
    card.add_argument("--seed", type=int, help="of one training (default: all that the run has)")
    card.add_argument(
        "--licence",
        default="apache-2.0",
        help="under which you publish the generator, an SPDX identifier (default: this project's, "
        "%(default)s); the card lists those of what it was trained with",
    )
    _out(card, "the card, .md; a grid of samples goes beside it as <name>-samples.png")
    return parser


def _model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, metavar="MODEL", help="the trained generator's folder")


def _out(parser: argparse.ArgumentParser, help: str) -> None:
    parser.add_argument("--out", type=Path, required=True, metavar="OUT", help=help)
    _force(parser)


def _force(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="overwrite what is there")


def _seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=0, help="of the latents (default: %(default)s)")


def _scale(parser: argparse.ArgumentParser, default: str) -> None:
    text = f"width of an image's pixel in pixels (default: {default})"
    parser.add_argument("--scale", type=int, help=text)


def _sample(words: argparse.Namespace) -> str:
    from gfmn.inference import images as files
    from gfmn.inference import load

    out, count = words.out, words.count
    kind = out.suffix.lower()
    if kind not in ("", ".npy", ".png") and not out.is_dir():
        other = "; gfmn interpolate makes GIFs" if kind == ".gif" else ""
        raise InputError(f"--out: expected a folder, a .npy or a .png file, found {out}{other}")
    _only(words, ("columns",), kind == ".png", "a .png file")
    _only(words, ("scale",), kind != ".npy", "PNGs")
    if kind in (".npy", ".png") and not out.is_dir():
        files.refuse(out, words.force)
    generator = load(words.model)
    parts = generator.parts(count, words.seed, words.batchnorm)
    scale = 1 if words.scale is None else words.scale
    if out.is_dir() or not kind:
        files.write_pictures(out, parts, scale, words.force)
    elif kind == ".npy":
        files.write_array(out, parts, count, generator.image_size, words.force)
    else:
        columns = _columns(words.columns, count)
        images = generator.sample(count, words.seed, words.batchnorm)
        files.write_grid(out, images, columns, scale, words.force)
    drawn = f"latents of seed {words.seed}, batch norm on {words.batchnorm} statistics"
    return f"{out}: {count:,} images of {generator.name}; {drawn}"


def _columns(asked: int | None, count: int) -> int:
    columns = round(count**0.5) if asked is None else asked
    if columns < 1:
        raise InputError(f"--columns: expected at least 1, found {columns}")
    return min(columns, count)


def _interpolate(words: argparse.Namespace) -> str:
    from gfmn.inference import images as files
    from gfmn.inference import load

    kind = words.out.suffix.lower()
    if kind not in (".png", ".gif"):
        raise InputError(f"--out: expected a .png or a .gif file, found {words.out}")
    _only(words, ("points", "frames", "milliseconds"), kind == ".gif", "a .gif file")
    files.refuse(words.out, words.force)
    defaults = GIF if kind == ".gif" else GRID
    given = {key: getattr(words, key) for key in defaults}
    chosen = {key: defaults[key] if given[key] is None else given[key] for key in defaults}
    generator = load(words.model)
    if kind == ".gif":
        pause = chosen.pop("milliseconds")
        frames = generator.loop(**chosen, seed=words.seed)
        files.write_gif(words.out, frames, pause, words.scale, words.force)
        what = f"{len(frames)} pictures in {len(frames) * pause / 1000:.1f} s"
    else:
        images = generator.interpolate(**chosen, seed=words.seed)
        scale = 1 if words.scale is None else words.scale
        tiles = images.reshape(-1, *images.shape[2:])
        files.write_grid(words.out, tiles, chosen["columns"], scale, words.force)
        what = f"{chosen['rows']} ways in {chosen['columns']} steps"
    return f"{words.out}: {what}, of {generator.name}; latents of seed {words.seed}"


def _only(words: argparse.Namespace, names: tuple[str, ...], holds: bool, kind: str) -> None:
    for name in names:
        if getattr(words, name) is not None and not holds:
            raise InputError(f"--{name}: only for {kind}, found --out {words.out}")


def _export(words: argparse.Namespace) -> str:
    from gfmn.inference import images as files
    from gfmn.inference import load

    if words.out.suffix.lower() != ".onnx":
        raise InputError(f"OUT: expected a .onnx file, found {words.out}")
    files.refuse(words.out, words.force)
    generator = load(words.model)
    check = generator.export(words.out, words.values, words.force)
    return f"{words.out}: {generator.name}; {check}"


def _card(words: argparse.Namespace) -> str:
    from gfmn.inference.model_card import write_card

    written = write_card(words.out, words.study, words.run, words.seed, words.licence, words.force)
    return ", ".join(map(str, written))
