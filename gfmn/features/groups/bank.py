"""The group `bank`: pooled features of real images themselves."""

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from gfmn.features.groups.base import POSITIVE, Fitted, PooledPart


@dataclass(frozen=True)
class PooledBank(PooledPart):
    """Real vectors x = p / scale in random order."""

    scale: Tensor  # D
    vectors: Tensor  # N x D

    AXES: ClassVar = {"scale": "D", "vectors": "ND"}
    LEAST: ClassVar = {"scale": POSITIVE}


class Bank(Fitted):
    """The vectors of drawn images."""

    Part = PooledBank

    def fit(self, standardized: Tensor) -> dict[str, Tensor]:
        """See the base class."""
        return {"vectors": standardized}
