"""Two studies or two experiments side by side: `python -m gfmn.reporting compare A B`."""

import argparse
import json
import os
import sys

from gfmn.common.errors import InputError
from gfmn.reporting.differences import MAIN, pairs, parameters
from gfmn.reporting.sidebyside import as_json, as_text
from gfmn.reporting.sides import read_side

MEANING = """\
A and B are each a study's folder (params.yaml with data/scores or reports/tables/scores.parquet),
or FOLDER@REVISION: a commit, branch, tag or DVC experiment of the folder's git repository, of which
reports/tables/scores.parquet is read. Runs are matched by name. A difference is given only between
scores of one evaluator, data set and number of images; others stand side by side, with the reason.
"""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m gfmn.reporting")
    add_arguments(parser.add_subparsers(required=True).add_parser("compare"))
    print(run(parser.parse_args(arguments)))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "Two studies or two experiments, run by run."
    parser.epilog = MEANING
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("a", metavar="A", help="a study's folder, or FOLDER@REVISION")
    parser.add_argument("b", metavar="B", help="likewise")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--scores", help=f"kinds or names of scores, with commas; default: {','.join(MAIN)}"
    )
    which.add_argument("--all", action="store_true", help="every score that there is")
    parser.add_argument("--json", action="store_true", help="everything, for programs")


def run(arguments: argparse.Namespace) -> str:
    """The comparison as text, or as JSON."""
    words = arguments
    a, b = read_side(words.a), read_side(words.b)
    wanted = None if words.all else tuple(words.scores.split(",")) if words.scores else MAIN
    found, changed = pairs(a, b, wanted), parameters(a, b)
    if words.json:
        return json.dumps(as_json(a, b, found, changed), indent=2, ensure_ascii=False)
    return as_text(a, b, found, changed)


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"error: {error}")
    except BrokenPipeError:  # of `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
