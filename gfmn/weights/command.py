"""Bring a published checkpoint into a study: `python -m gfmn.weights import FILE --out OUT`."""

import argparse
import math
import sys
from pathlib import Path

from gfmn.common.errors import InputError
from gfmn.networks.extractor_file import file_digest, save_extractor
from gfmn.weights.published import Imported, import_published

IMPORT = """\
Turn a checkpoint of torch.save into an extractor file.

FILE holds a whole pickled network, or its state dict, perhaps under `net` beside `acc` and
`epoch`; PyTorch 0.3's files, later ones in the legacy layout, and zip archives are read. Nothing
of the pickle is run. Networks that are recognised: VGG of 11 to 19 layers with and without batch
norm, ResNet18 with a 3 x 3 stem, the DCGAN encoder.
"""


def main(words: list[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m gfmn.weights", description=__doc__)
    command = parser.add_subparsers(required=True).add_parser("import")
    add_arguments(command)
    try:
        print(run(parser.parse_args(words)))
    except InputError as error:
        sys.exit(f"error: {error}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = IMPORT
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("file", type=Path, metavar="FILE", help="the checkpoint")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="OUT", help="the extractor file, .safetensors"
    )
    parser.add_argument(
        "--name", help="the network's name in its taps' names (default: the architecture's)"
    )


def run(arguments: argparse.Namespace) -> str:
    """Convert the checkpoint; returns what was found and written."""
    imported = import_published(arguments.file, arguments.name)
    _save(arguments.out, imported)
    return "\n".join(report(imported, arguments.file, arguments.out))


def _save(out: Path, imported: Imported) -> None:
    try:
        save_extractor(out, [imported.record])
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{out}: expected to write a file, found: {reason}") from None


def report(imported: Imported, path: Path, out: Path) -> list[str]:
    """What was found and written, a line each."""
    record, published = imported.record, imported.published
    network = imported.network
    size = record.image_size or 32
    features = sum(map(math.prod, network.tap_shapes(size)))
    facts = ", ".join(f"{key} {value}" for key, value in sorted(published.facts.items()))
    outer = ", ".join(published.classes[:4]) or "a state dict"
    arguments = "".join(f", {key} {value}" for key, value in record.arguments.items())
    trained = imported.trained_size
    dropped = ", ".join(imported.dropped) or "nothing"
    lines = [
        f"{path}: {published.container}, {len(published.state)} tensors",
        f"  modules: {outer}",
        f"  says: {facts}" if facts else "",
        f"  architecture: {record.architecture}{arguments}"
        + (f", trained at {trained} px" if trained else ""),
        f"  taps: {len(network.tap_names)}, {features:,} features at {size} px",
        f"  dropped: {dropped}; added: nothing (our files hold no num_batches_tracked)",
        f"{out}: sha256 {file_digest(out)}",
    ]
    return [line for line in lines if line]


if __name__ == "__main__":
    main()
