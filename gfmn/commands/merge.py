"""`gfmn merge`: the statistics of several teams' shards as one file."""

import argparse
from pathlib import Path

from gfmn.common.errors import InputError
from gfmn.common.stage import NAME
from gfmn.features import statistics
from gfmn.inference import options
from gfmn.inference.image_files import check_writable, write_atomically
from gfmn.inference.output import Result
from gfmn.shards import results

DESCRIPTION = """\
Merge statistics of data sets in shards: the very bytes that one data set of all shards would have.

Each file is one that extract-stats wrote for a data set with `shards: true`, or that this command
did, by the same network and parameters. In whatever order they are given, the result is the same.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.description = DESCRIPTION
    text = "statistics of shards, data/stats/<name>.safetensors"
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help=text)
    parser.add_argument("--dataset", required=True, metavar="NAME", help="of the data set of all")
    text = "the statistics file, .safetensors"
    parser.add_argument("--out", type=Path, required=True, metavar="OUT", help=text)
    options.add_force(parser)


def run(arguments: argparse.Namespace) -> Result:
    """Write the file; returns what is in it."""
    out, name = arguments.out, arguments.dataset
    if out.suffix != ".safetensors":
        raise InputError(f"--out: expected a .safetensors file, found {out}")
    if not NAME.fullmatch(name):
        raise InputError(f"--dataset: expected a name of a-z, 0-9, _ and -, found {name!r}")
    check_writable(out, arguments.force)
    merged = results.merge(arguments.files, name)
    with write_atomically(out, arguments.force) as partial:
        statistics.save(merged, partial)
    metadata = merged.metadata
    facts = {key: metadata[key] for key in ("dataset", "dataset_digest", "count", "features")}
    facts |= {"out": str(out), "shards": len(metadata[results.KEY]["rows"])}
    line = "{out}: {features} features of {count} images in {shards} shards".format(**facts)
    return Result(line, facts)
