"""How a score is shown: its kind, its title, which values are better, its decimals.

The facts are the metric's own (gfmn/metrics); the files of scores carry them. A score's name is
`<kind>_<evaluator>_<count>`, such as `fd_lite2_5k`; FID, IS and KID are the names in the feature
space of FID's own Inception, without an evaluator: `fid_5k`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Direction = Literal["lower", "higher", "half"]

INCEPTION_KINDS = ("fid", "is", "kid")  # only in the feature space of FID's own Inception
DISTANCES = ("fid", "fd")  # kinds of Fréchet distances
CLASS_SCORES = ("is", "score")


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


def ordered(scores: Mapping[str, ScoreInfo]) -> list[str]:
    """Names by the order of their kinds, then by number of images, those of no number last."""

    def place(key: str) -> tuple[int, float, str]:
        return scores[key].order, scores[key].count or float("inf"), key

    return sorted(scores, key=place)
