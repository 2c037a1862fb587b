"""The command `gfmn compare`: the differences between two studies, or two versions of one."""

import argparse
import json

from gfmn.reporting.study_diff.rendering import as_json, as_text
from gfmn.reporting.study_diff.score_pairs import DEFAULT_KINDS, pair_scores, parameter_changes
from gfmn.reporting.study_diff.study_scores import read_study_scores

EPILOG = """\
A and B are each a study's folder (params.yaml with data/scores or reports/tables/scores.parquet),
or FOLDER@REVISION: a commit, branch, tag or DVC experiment of the folder's git repository, of which
reports/tables/scores.parquet is read. Runs are matched by name. A difference is given only between
scores of one evaluator, data set and number of images; for others both values and the reason.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.description = "The scores and parameters of two studies, or two versions of one."
    parser.epilog = EPILOG
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("a", metavar="A", help="a study's folder, or FOLDER@REVISION")
    parser.add_argument("b", metavar="B", help="likewise")
    selection = parser.add_mutually_exclusive_group()
    selection.add_argument(
        "--scores",
        help=f"kinds or names of scores, with commas (default: {','.join(DEFAULT_KINDS)})",
    )
    selection.add_argument("--all", action="store_true", help="every score that there is")
    parser.add_argument("--json", action="store_true", help="everything, for programs")


def run(arguments: argparse.Namespace) -> str:
    """The comparison as text, or as JSON; raises `InputError` for a study that cannot be read."""
    a, b = read_study_scores(arguments.a), read_study_scores(arguments.b)
    wanted = tuple(arguments.scores.split(",")) if arguments.scores else DEFAULT_KINDS
    pairs, changes = pair_scores(a, b, None if arguments.all else wanted), parameter_changes(a, b)
    if arguments.json:
        return json.dumps(as_json(a, b, pairs, changes), indent=2, ensure_ascii=False)
    return as_text(a, b, pairs, changes)
