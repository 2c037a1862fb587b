"""The few numbers by which runs are compared: one distance and one score a run.

`dvc metrics` and `dvc exp show` give a column to each; every other score is in the tables.
"""

from gfmn.reporting import names
from gfmn.reporting.records import Scores
from gfmn.reporting.results import Study
from gfmn.reporting.summary import summaries

SHOWN = (names.DISTANCES, ("is", "score"))  # of each the one of fewest images, which all rows have


def headlines(study: Study) -> dict[str, dict[str, float]]:
    """By run, in its first space that has scores: means over seeds, by the scores' names.

    A run without scores is left out; the real images are not a run.
    """
    found = {}
    for run in study.runs.values():
        scores = next((one.scores for one in run.evaluations if one.scores), None)
        if scores:
            found[run.name] = _shown(scores)
    return found


def _shown(scores: Scores) -> dict[str, float]:
    summed = summaries(scores)
    shown = {}
    for kinds in SHOWN:
        key = next((key for key in summed if names.kind(key) in kinds), None)
        if key:
            shown[key] = summed[key].value
    return shown
