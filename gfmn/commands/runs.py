"""The arguments `[RUN...] [--study FOLDER]` of several commands, checked."""

import argparse
from typing import Any

from gfmn.common import parameters
from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.inference import options
from gfmn.study import Study, check


def add_runs(parser: argparse.ArgumentParser) -> None:
    """The arguments themselves: `runs` and `study`."""
    parser.add_argument("runs", nargs="*", metavar="RUN", help="these runs alone (default: all)")
    options.add_study(parser)


def checked(arguments: argparse.Namespace) -> tuple[dict[str, Any], Study]:
    """The study's parameters, plain and checked; `InputError` for a run that it does not have."""
    path = arguments.study / "params.yaml"
    params = parameters.read(path)
    study = check(params, str(path))
    for name in arguments.runs:
        if name not in study.trained:
            raise InputError(f"RUN: no run {name!r}; {suggest(name, study.trained)}")
    return params, study
