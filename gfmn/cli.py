"""The command `gfmn`.

A command is a module with `add_arguments(parser)` and `run(arguments) -> str`. It is imported when
the command is called and not before: torch takes seconds to import.
"""

import argparse
import errno
import os
import sys
from importlib import import_module, metadata

from gfmn.common.config import suggest
from gfmn.common.errors import InputError

COMMANDS = {  # name: (what it does, module)
    "new": ("make a study of your own images", "gfmn.commands.new"),
    "run": ("build a study: train, score, report", "gfmn.commands.run"),
    "add": ("add a run, data, a network or an evaluator to a study", "gfmn.commands.add"),
    "status": ("say what of a study is there, and what it came to", "gfmn.commands.status"),
    "open": ("open a study's report", "gfmn.commands.open"),
    "track": ("send a study's histories to an experiment tracker", "gfmn.commands.track"),
    "doctor": ("say what this machine has and what is missing", "gfmn.commands.doctor"),
    "check": ("check a study's params.yaml", "gfmn.inference.check"),
    "sample": ("make random images: PNGs, an array, or a grid", "gfmn.inference.sample"),
    "interpolate": ("make images between samples: a grid or a GIF", "gfmn.inference.interpolate"),
    "export": ("write a generator as an ONNX file, or as a page", "gfmn.inference.onnx_export"),
    "card": ("write the model card of a run", "gfmn.inference.model_card"),
    "score": ("score images against real images", "gfmn.inference.score"),
    "compare": ("compare the scores of two studies", "gfmn.reporting.command"),
    "import": ("convert a published checkpoint to an extractor file", "gfmn.weights.command"),
    "search": ("train a run with other parameters and score each", "gfmn.inference.search"),
}
SHELLS = "bash, zsh, tcsh"
EXAMPLES = """\
examples:
  gfmn new cats --images photos/cats
  gfmn run --study cats --set steps=3000
  gfmn open --study cats
  gfmn check
  gfmn sample data/models/vgg16 --count 1000 --out images/
  gfmn sample data/models/vgg16 --seed 7 --out grid.png
  gfmn interpolate data/models/vgg16 --out loop.gif
  gfmn export data/models/vgg16 generator.onnx
  gfmn card vgg16 --out MODEL_CARD.md
  gfmn score images/ photos/ --evaluator lite0
  gfmn compare . .@main

MODEL is the folder of a trained seed, data/models/<run>/seed-<k>, or that of a run with one seed.
Existing files are overwritten only with --force.
Completion: `gfmn completion bash > ~/.local/share/bash-completion/completions/gfmn` (zsh, tcsh).
"""


def main(words: list[str] | None = None) -> None:
    """Run the command line; bad input is one line on standard error and exit code 1."""
    name, *rest = (sys.argv[1:] if words is None else words) or ["--help"]
    try:
        if nul := next((word for word in (name, *rest) if "\0" in word), None):
            raise InputError(f"expected arguments without NUL characters, found {nul!r:.100}")
        if name in ("-h", "--help"):
            print(help_text())
        elif name == "--version":
            print(f"gfmn {metadata.version('gfmn')}")
        elif name == "completion":
            print(completion(*rest))
        elif name == "stage":  # what the dvc.yaml of `gfmn new` calls
            import_module("gfmn.study.pipeline").run_stage(rest)
        elif name in COMMANDS:
            arguments = parse(name, rest)
            if text := import_module(COMMANDS[name][1]).run(arguments):
                print(text)
        else:
            raise InputError(f"no command {name!r}; {suggest(name, COMMANDS)}")
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.errno == errno.EPIPE:  # of `gfmn compare A B | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        elif error.errno == errno.ENAMETOOLONG:  # of any path among the arguments
            found = f"found: {error.strerror}"
            sys.exit(f"error: {error.filename}: expected shorter names, {found}")
        else:
            raise
    except KeyboardInterrupt:
        sys.exit(130)


def completion(shell: str = "", *_: str) -> str:
    """A shell's completion of all commands and options, to be sourced."""
    import shtab

    if shell not in shtab.SUPPORTED_SHELLS:
        raise InputError(f"gfmn completion: expected one of {SHELLS}, found {shell!r}")
    parser = argparse.ArgumentParser(prog="gfmn")
    commands = parser.add_subparsers()
    for name, (what, module) in COMMANDS.items():
        import_module(module).add_arguments(commands.add_parser(name, help=what))
    return str(shtab.complete(parser, shell))


def parse(name: str, words: list[str]) -> argparse.Namespace:
    """The arguments of a command; options may stand between its positional arguments."""
    what, module = COMMANDS[name]
    parser = argparse.ArgumentParser(
        prog=f"gfmn {name}",
        description=f"{what[0].upper()}{what[1:]}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    import_module(module).add_arguments(parser)
    return parser.parse_intermixed_args(words)


def help_text() -> str:
    """What `gfmn --help` prints."""
    width = max(map(len, COMMANDS))
    rows = "\n".join(f"  {name:{width}}  {what}" for name, (what, _) in COMMANDS.items())
    return (
        "usage: gfmn COMMAND ...; gfmn COMMAND --help; gfmn --version\n\n"
        f"Generative Feature Matching Networks.\n\ncommands:\n{rows}\n\n{EXAMPLES}"
    )
