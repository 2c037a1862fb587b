"""`gfmn import FILE --out OUT`: a published checkpoint becomes an extractor file."""

import argparse
import math
from pathlib import Path

from gfmn.common.arguments import Number
from gfmn.common.bounds import FACTOR
from gfmn.common.errors import InputError
from gfmn.networks.extractor_file import file_digest, save_extractor
from gfmn.weights.recognize import Imported, import_checkpoint

DESCRIPTION = """\
Convert a checkpoint of torch.save to an extractor file.

FILE holds a state dict or a whole pickled network, perhaps under `net` beside `acc` and `epoch`;
PyTorch 0.3's files, later ones in the legacy layout, and zip archives are read. Nothing of the
pickle is run. Networks that are recognized: VGG of 11 to 19 layers with and without batch norm,
ResNet18 with a 3 x 3 stem, the DCGAN encoder.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments and its description."""
    parser.description = DESCRIPTION
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("file", type=Path, metavar="FILE", help="the checkpoint")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="OUT", help="the extractor file, .safetensors"
    )
    parser.add_argument(
        "--name", help="the network's name in its taps' names (default: the architecture's)"
    )
    for key, least in (("mean", -FACTOR), ("std", 1 / FACTOR)):
        parser.add_argument(
            f"--{key}",
            nargs=3,
            type=Number(least, FACTOR, float),
            metavar=("A", "B", "C"),
            help="of the normalization of its images, of pixels from 0 to 1, in the order "
            "of --channels (default: the architecture's)",
        )
    parser.add_argument(
        "--channels",
        choices=("rgb", "bgr"),
        default="rgb",
        help="the order in which it takes them (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> str:
    """Write the extractor file; returns what was found and written, a line each."""
    given = {key: getattr(arguments, key) for key in ("mean", "std")}
    stated = {key: values for key, values in given.items() if values is not None}
    imported = import_checkpoint(arguments.file, arguments.name, stated, arguments.channels)
    try:
        save_extractor(arguments.out, [imported.record])
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise InputError(f"{arguments.out}: expected to write a file, found: {reason}") from None
    return report(imported, arguments.file, arguments.out)


def report(imported: Imported, path: Path, out: Path) -> str:
    """What was found and written, a line each."""
    record, checkpoint = imported.record, imported.checkpoint
    network = imported.network
    size = record.image_size or 32
    features = sum(map(math.prod, network.tap_shapes(size)))
    facts = ", ".join(f"{key} {value}" for key, value in sorted(checkpoint.facts.items()))
    outer = ", ".join(checkpoint.classes[:4]) or "a state dict"
    place = f", under {checkpoint.place!r}" if checkpoint.place else ""
    place += f", not {' or '.join(map(repr, checkpoint.ignored))}" if checkpoint.ignored else ""
    arguments = "".join(f", {key} {value}" for key, value in record.arguments.items())
    trained = imported.trained_size
    dropped = ", ".join(imported.dropped) or "nothing"
    lines = [
        f"{path}: {checkpoint.container}, {len(checkpoint.state)} tensors{place}",
        f"  modules: {outer}",
        f"  says: {facts}" if facts else "",
        f"  architecture: {record.architecture}{arguments}"
        + (f", trained at {trained} px" if trained else ""),
        f"  taps: {len(network.tap_names)}, {features:,} features at {size} px",
        f"  dropped: {dropped}; added: nothing (our files hold no num_batches_tracked)",
        f"{out}: sha256 {file_digest(out)}",
    ]
    return "\n".join(line for line in lines if line)
