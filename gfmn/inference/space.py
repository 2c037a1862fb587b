"""`gfmn space`: an evaluator, in whose feature space images are compared, of any network."""

import argparse
from pathlib import Path

from gfmn.common.arguments import Number
from gfmn.common.bounds import SIDE
from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.common.stage import NAME
from gfmn.inference import options
from gfmn.inference.image_files import check_writable, write_atomically
from gfmn.inference.output import Result
from gfmn.metrics.published import published_evaluators
from gfmn.networks.extractor_file import only_network, save_as_evaluator, summary
from gfmn.study.profiles import published_networks
from gfmn.weights.cache import cached
from gfmn.weights.config import FetchedEvaluator, FetchedNetwork, PublishedNetwork

DESCRIPTION = """\
Make an evaluator file of a network: the features of a space in which images are compared.

`gfmn score --evaluator FILE` takes it, and `gfmn add evaluator NAME FILE` puts it into a study.
Its features are those of the network's classifier, or its last tap averaged over the pixels.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.description = DESCRIPTION
    names = ", ".join(_published())
    parser.add_argument(
        "network", metavar="NETWORK", help=f"{names} (fetched once), or an extractor file"
    )
    parser.add_argument(
        "--resize",
        type=Number(1, SIDE),
        help="pixels that it sees (default: the images as they are)",
    )
    parser.add_argument("--name", help="in the scores' names (default: of OUT)")
    text = "the evaluator file, .safetensors"
    parser.add_argument("--out", type=Path, required=True, metavar="OUT", help=text)
    options.add_force(parser)


def run(arguments: argparse.Namespace) -> Result:
    """Write the file; returns what is in it."""
    out, resize = arguments.out, arguments.resize
    name = arguments.name or out.stem
    if out.suffix != ".safetensors":
        raise InputError(f"--out: expected a .safetensors file, found {out}")
    if not NAME.fullmatch(name):
        raise InputError(f"--name: expected a name of a-z, 0-9, _ and -, found {name!r}")
    check_writable(out, arguments.force)
    source = _file(arguments.network)
    with write_atomically(out, arguments.force) as partial:
        save_as_evaluator(source, name, resize, partial)
    header = only_network(out)
    facts = {"out": str(out), "name": name, "architecture": header.architecture, "resize": resize}
    return Result(summary(out), facts)


def _published() -> dict[str, PublishedNetwork]:
    """Networks and evaluators that have a name."""
    found: dict[str, PublishedNetwork] = {}
    for name, row in published_evaluators().items():
        found[name] = FetchedEvaluator.parse(row, name)
    for name, row in published_networks().items():
        found[name] = FetchedNetwork.parse(row, name)
    return found


def _file(network: str) -> Path:
    """An extractor file: the one given, or that of a published network, fetched where needed."""
    if network.endswith(".safetensors"):
        return Path(network)
    published = _published()
    if network not in published:
        hint = f"{suggest(network, published)}, or a .safetensors file; `gfmn import` makes one"
        raise InputError(f"NETWORK: no {network!r}; {hint}")
    return cached(network, published[network], f"NETWORK {network}")
