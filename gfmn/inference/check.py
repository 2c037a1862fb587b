"""`gfmn check`: check a study's parameters before anything long runs."""

import argparse

from gfmn.common import parameters
from gfmn.inference import options
from gfmn.inference.output import Result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Check the params.yaml of a study: every key, every value, and whether they fit each other."
    )
    options.add_study(parser)


def run(arguments: argparse.Namespace) -> Result:
    """Check the file; returns one line."""
    path = arguments.study / "params.yaml"
    params = parameters.read(path)
    # It imports torch, which takes seconds: a file that cannot be read fails before.
    from gfmn import study

    runs = list(study.check(params, str(path)).trained)
    text = f"{path}: ok, {len(runs)} {'run' if len(runs) == 1 else 'runs'}"
    return Result(text, {"parameters": str(path), "ok": True, "runs": runs})
