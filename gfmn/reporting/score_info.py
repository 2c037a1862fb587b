"""The facts of each score: its kind, its title, which values are better, its decimals.

A score's name is `<kind>_<evaluator>_<count>`, such as `fd_lite2_5k`. FID, IS and KID are names in
the feature space of FID's own Inception, without an evaluator: `fid_5k`. The same formulas in any
other network's features are called `fd`, `score` and `kd`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gfmn.reporting.records import Score

Direction = Literal["lower", "higher", "half"]

INCEPTION_KINDS = ("fid", "is", "kid")  # only in the feature space of FID's own Inception
DISTANCES = ("fid", "fd")  # kinds of Fréchet distances
CLASS_SCORES = ("is", "score")
LIMIT = "n → ∞".replace(" ", "\N{NO-BREAK SPACE}")

# The one list of display facts, in the order of columns: kind -> title, direction, decimals, main.
_KINDS: dict[str, tuple[str, Direction, int | None, bool]] = {
    "fid": ("FID", "lower", None, True),
    "fd": ("Fréchet distance", "lower", None, True),
    "is": ("Inception score", "higher", 2, True),
    "score": ("Inception-style score", "higher", 2, True),
    "kid": ("KID", "lower", None, True),
    "kd": ("Kernel distance", "lower", None, True),
    "precision": ("Precision", "higher", 3, True),
    "recall": ("Recall", "higher", 3, True),
    "accuracy": ("Accuracy", "higher", 3, False),
    "confidence": ("Confidence", "higher", 3, False),
    "confident": ("Confident", "higher", 3, False),
    "covered": ("Classes covered", "higher", 3, False),
    "class_distance": ("Class distance", "lower", 3, False),
    "memorised": ("Memorized", "half", 3, False),
}
KINDS = tuple(_KINDS)


@dataclass(frozen=True)
class ScoreInfo:
    """A score as it is shown."""

    kind: str  # that its name begins with; empty for an unknown one
    count: int | None  # images; None: extrapolated to infinitely many
    title: str
    direction: Direction | None  # of better values; half: near 0.5; None: not known
    decimals: int | None  # None: by the size of a column's values
    main: bool  # stands in the tables of runs
    order: int  # of its kind among all kinds, for columns


def score_info(key: str, score: Score) -> ScoreInfo:
    """The facts of a score, by its name as long as its file does not say them itself."""
    return info_by_name(key)


def info_by_name(key: str) -> ScoreInfo:
    """The facts of the score of that name, from the list above."""
    kind = next((known for known in KINDS if key.startswith(f"{known}_")), "")
    title, direction, decimals, main = _KINDS.get(kind, (key, None, None, False))
    count = re.search(r"_(\d+)(k?)$", key)
    if kind == "memorised":
        title += ", pixels" if key.startswith("memorised_pixel_") else ", features"
    elif key.endswith("_inf"):
        title += f", {LIMIT}"
    return ScoreInfo(
        kind=kind,
        count=int(count[1]) * (1000 if count[2] else 1) if count else None,
        title=title,
        direction=direction,
        decimals=decimals,
        main=main,
        order=KINDS.index(kind) if kind else len(KINDS),
    )


def ordered(scores: Mapping[str, ScoreInfo]) -> list[str]:
    """Names by the order of their kinds, then by number of images, those of no number last."""

    def position(key: str) -> tuple[int, float, str]:
        return scores[key].order, scores[key].count or float("inf"), key

    return sorted(scores, key=position)
