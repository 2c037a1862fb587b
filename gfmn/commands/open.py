"""`gfmn open`: the report's page in a browser."""

import argparse
import webbrowser
from pathlib import Path

from gfmn.common.errors import InputError
from gfmn.inference import options
from gfmn.inference.output import Result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.description = "Open the report of a study in the browser."
    options.add_study(parser)


def run(arguments: argparse.Namespace) -> Result:
    """Open it; returns its path."""
    study: Path = arguments.study
    page = study / "reports/index.html"
    if not page.is_file():
        raise InputError(f"{page}: expected the report, found no file; `gfmn run` makes it")
    webbrowser.open(page.resolve().as_uri())
    return Result(str(page), {"page": str(page)})
