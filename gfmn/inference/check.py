"""`gfmn check`: check a study's parameters before anything long runs."""

import argparse
from collections.abc import Iterator, Mapping
from typing import Any

from gfmn.common import parameters
from gfmn.inference import options
from gfmn.inference.output import Result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Check the params.yaml of a study: every key, every value, and whether they fit each other."
    )
    options.add_study(parser)


def run(arguments: argparse.Namespace) -> Result:
    """Check the file; returns one line, and one for each value that this machine is slow at."""
    path = arguments.study / "params.yaml"
    params = parameters.read(path)
    # It imports torch, which takes seconds: a file that cannot be read fails before.
    from gfmn import study
    from gfmn.common.devices import default_device, has_bf16

    runs = list(study.check(params, str(path)).trained)
    text = f"{path}: ok, {len(runs)} {'run' if len(runs) == 1 else 'runs'}"
    warnings = []
    if not has_bf16(default_device()):
        expected = "expected auto or fp32 on this machine, which emulates bf16 and is many times"
        warnings = [f"{row}: {expected} slower in it, found bf16" for row in in_bf16(params)]
    facts = {"parameters": str(path), "ok": True, "runs": runs, "warnings": warnings}
    return Result("\n".join([text, *(f"warning: {line}" for line in warnings)]), facts)


def in_bf16(params: Mapping[str, Any], where: str = "") -> Iterator[str]:
    """The paths of all parameters `precision` that are bf16."""
    for key, value in params.items():
        path = f"{where}.{key}" if where else key
        if isinstance(value, Mapping):
            yield from in_bf16(value, path)
        elif key == "precision" and value == "bf16":
            yield path
