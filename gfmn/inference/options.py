"""Options that several commands of `gfmn` share."""

import argparse
from pathlib import Path

from gfmn.common.arguments import Number
from gfmn.common.bounds import SAMPLES, SEEDS
from gfmn.common.errors import InputError
from gfmn.inference.output import STDOUT


def add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", type=Path, metavar="MODEL", help="folder of a trained generator")


def add_out(parser: argparse.ArgumentParser, help: str) -> None:
    help = f"{help}; - for standard output"
    parser.add_argument("--out", type=Path, required=True, metavar="OUT", help=help)
    add_force(parser)


def add_format(parser: argparse.ArgumentParser, *formats: str) -> None:
    text = f"of --out -: {' or '.join(formats)} (default: %(default)s)"
    parser.add_argument("--format", choices=formats, default=formats[0], help=text)


def suffix(arguments: argparse.Namespace) -> str:
    """The ending of `--out`'s file, in lower case; empty for a folder that is there."""
    if arguments.out == STDOUT:
        return f".{arguments.format}"
    return "" if arguments.out.is_dir() else arguments.out.suffix.lower()


def add_force(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--force", action="store_true", help="overwrite existing files")


def add_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed", type=Number(0, SEEDS), default=0, help="of the latents (default: %(default)s)"
    )


def add_scale(parser: argparse.ArgumentParser, default: str) -> None:
    text = f"width of each image pixel in pixels of the file (default: {default})"
    parser.add_argument("--scale", type=Number(1, SAMPLES), help=text)


def add_study(parser: argparse.ArgumentParser) -> None:
    text = "the study's folder (default: the current one)"
    parser.add_argument("--study", type=Path, default=Path(), metavar="FOLDER", help=text)


def require_format(
    arguments: argparse.Namespace, names: tuple[str, ...], matches: bool, format: str
) -> None:
    """Raise `InputError` where one of these options was given for an output of another format."""
    for name in names:
        if getattr(arguments, name) is not None and not matches:
            raise InputError(f"--{name}: only for {format}, found --out {arguments.out}")
