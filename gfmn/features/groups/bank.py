"""The group `bank`: pooled features of real images themselves."""

from dataclasses import dataclass

from torch import Tensor

from gfmn.features.groups.base import Fitted, PooledPart


@dataclass(frozen=True)
class PooledBank(PooledPart):
    """Real vectors x = p / scale in random order."""

    scale: Tensor  # D
    vectors: Tensor  # N x D


class Bank(Fitted):
    """The vectors of drawn images."""

    Part = PooledBank

    def fit(self, standardized: Tensor) -> dict[str, Tensor]:
        """See the base class."""
        return {"vectors": standardized}
