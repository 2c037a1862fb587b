"""What is scored, against what, and how."""

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from gfmn.common.bounds import BATCH, IMAGES, SAMPLES, SEEDS, VECTORS
from gfmn.common.config import Config


class ReferenceConfig(Config):
    """Which real images are described, in which evaluator's space, and which are held out.

    `held_out`: a data set of other images of the same kind; the data set itself where there is
    none. Then one random half is scored against the other, and an image's nearest is searched
    among all others.
    """

    dataset: str
    evaluator: str
    held_out: str


class EvaluationConfig(Config):
    """Which run is scored, against which real images, in which evaluator's space."""

    run: str
    dataset: str
    evaluator: str


class SnapshotsConfig(EvaluationConfig):
    """Which run's snapshots are scored; the data set is the run's own."""

    count: int = Field(5000, ge=2, le=SAMPLES)  # samples of each snapshot


class KernelConfig(Config):
    """Of the kernel distance."""

    subsets: int = Field(100, ge=1, le=VECTORS)
    size: int = Field(1000, ge=2, le=BATCH)  # images of each side in a subset


class ManifoldConfig(Config):
    """Of precision and recall."""

    k: int = Field(3, ge=1, le=1000)  # neighbors within whose distance an image counts as near
    count: int = Field(10000, ge=2, le=IMAGES)  # images of each side, at most

    @model_validator(mode="after")
    def _neighbors(self) -> Self:
        if self.count <= self.k:
            raise ValueError(f"expected a count above k, {self.k}")
        return self


class InfinityConfig(Config):
    """Of the Fréchet distance's extrapolation."""

    points: int = Field(8, ge=2, le=1000)  # sizes of subsets
    smallest: float = Field(0.5, gt=0, lt=1)  # the first size, as a fraction of the images


class MetricsConfig(Config):
    """How images are scored; the same for all rows of a study, so that they compare."""

    # Images in a Fréchet distance.
    counts: tuple[Annotated[int, Field(ge=2, le=IMAGES)], ...] = Field((5000, 50000), min_length=1)
    splits: int = Field(10, ge=1, le=1000)  # of the Inception-style score
    kernel: KernelConfig = KernelConfig()
    manifold: ManifoldConfig = ManifoldConfig()
    infinity: InfinityConfig = InfinityConfig()
    slices: int = Field(256, ge=1, le=VECTORS)  # directions of the sliced Wasserstein distance
    neighbors: int = Field(1000, ge=1, le=IMAGES)  # samples whose nearest real images are searched
    seed: int = Field(2020, ge=0, le=SEEDS)  # of subsets and orders

    @field_validator("counts")
    @classmethod
    def _different(cls, counts: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(counts)) < len(counts):
            raise ValueError("expected each count once")
        return counts
