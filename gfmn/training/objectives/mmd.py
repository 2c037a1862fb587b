"""The maximum mean discrepancy of pooled features, with the real side at cached landmarks."""

from torch import Tensor, nn

from gfmn.common.config import Config
from gfmn.features.groups.base import square_distances
from gfmn.features.groups.landmarks import PooledLandmarks
from gfmn.training.objectives.base import OBJECTIVES, Batch
from gfmn.training.objectives.pooled import PooledObjective, gathered


@OBJECTIVES.register("mmd")
class MMD(PooledObjective):
    """Squared MMD less its constant: `E k(x, x') - 2 E sum_j weights_j k(x, points_j)`.

    The first mean is exact, over all pairs of different samples of the batch; the second is
    Nyström's projection of the real one, which the group `landmarks` has. Source: Representation
    Distribution Matching, arXiv:2607.02375. Earlier samples are no help: a batch is repelled from
    where it was, and overshoots.
    """

    needs = ("landmarks",)

    def state(self, real: PooledLandmarks, config: Config, seed: int) -> "Attraction":
        """See the base class."""
        return Attraction(real)

    def by_vector(self, state: "Attraction", vectors: Tensor, batch: Batch) -> Tensor:
        """See the base class."""
        real, shard = state.real, vectors / state.real.scale
        # A sample's kernel with itself is constant, and so without a derivative.
        others = shard.new_full((batch.count,), 1 / (batch.count - 1))
        repulsion = kernel_slopes(shard, gathered(shard, batch), others, real.bandwidths)
        attraction = kernel_slopes(shard, real.points, real.weights, real.bandwidths)
        return 2 * (repulsion - attraction) / batch.count / real.scale


class Attraction(nn.Module):
    """One pooled tap's landmarks; there is no state."""

    def __init__(self, real: PooledLandmarks) -> None:
        super().__init__()
        self.real = real


def kernel_slopes(x: Tensor, points: Tensor, weights: Tensor, bandwidths: Tensor) -> Tensor:
    """The derivative of `sum_j weights_j k(x_i, points_j)` by x_i, N x D.

    `k` is the kernel of the group `landmarks`.
    """
    squares, twice = square_distances(x, points), 2 * bandwidths.square()
    slopes = ((1 + squares[..., None] / twice).pow(-2) * (2 / twice)).mean(-1) * weights
    return slopes @ points - slopes.sum(1, keepdim=True) * x
