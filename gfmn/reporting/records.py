"""A study's result files as classes: strict in what they must hold, open to more."""

from collections.abc import Collection
from functools import cached_property
from typing import Any, Self, TypeVar, cast

import pandas as pd
import pydantic

from gfmn.common.config import Config

INCEPTION_KINDS = ("fid", "is", "kid")  # of scores in the features of FID's own Inception alone
DISTANCES = ("fid", "fd")  # kinds of Fréchet distances
CLASS_SCORES = ("is", "score")
S = TypeVar("S", bound="Scores")
REAL_DATA = "Real data"  # stands for a run where real images are scored against other real ones


class Record(Config):
    """A result file: strict in what it must hold, open to keys that it may hold besides."""

    model_config = pydantic.ConfigDict(extra="ignore", arbitrary_types_allowed=True)


class Distances(Record):
    """Percentiles 0 to 100 of distances to the nearest training image."""

    generated: tuple[float, ...] = pydantic.Field(min_length=101, max_length=101)
    # Of real images that are no training images.
    held_out: tuple[float, ...] = pydantic.Field(min_length=101, max_length=101)
    unit: str


class Nearest(Record):
    """Distances to the nearest training image, in pixels and in the evaluator's features."""

    pixel: Distances | None = None
    feature: Distances | None = None


class Classes(Record):
    """Each class's share of the real and of the generated images."""

    names: tuple[str, ...] | None
    real: tuple[float, ...] = pydantic.Field(min_length=1)
    generated: tuple[float, ...]

    @pydantic.model_validator(mode="after")
    def _check_lengths(self) -> Self:
        if not len(self.names or self.real) == len(self.real) == len(self.generated):
            raise ValueError("expected as many shares as names")
        return self


class SeedDetails(Record):
    """What is known of one seed's samples besides scores; without a seed of real images."""

    seed: int | None
    classes: Classes | None = None
    nearest: Nearest | None = None
    caveats: tuple[str, ...] = ()  # what so few images, or images that are all alike, cannot say


class Scores(Record):
    """What every file of scores says of its space, and the scores of each seed.

    `rows`: columns seed, score (`<kind>_<evaluator>_<count>`, such as `fd_lite2_5k`; in FID's own
    Inception without the evaluator), value, std, and those of `gfmn.metrics.score_file`. Without a
    `std`, `over` says how the score was made.
    """

    run: str  # `REAL_DATA` for real images
    dataset: str
    dataset_digest: str | None = None
    evaluator: str
    evaluator_digest: str
    architecture: str
    resizer: str
    canonical: bool  # FID's own published Inception, and nothing else
    in_domain: bool  # a classifier of the data's own classes, trained in this study
    n_reference: int
    settings: dict[str, Any] = pydantic.Field(default_factory=dict)
    seeds: tuple[SeedDetails, ...]
    rows: pd.DataFrame = pydantic.Field(repr=False)

    @property
    def n(self) -> int:
        """How many images are scored."""
        raise NotImplementedError

    @cached_property
    def means(self) -> pd.DataFrame:
        """Every score over the seeds that have it: a row a score by name, in the tables' order.

        `std`: the standard deviation (n - 1) over seeds where there are several, else the score's
        own; `over` says which ("3 seeds", "10 splits"). `method`: how a score without a deviation
        of its own was computed ("k = 3"). `seeds`: how many. The others are the score's.
        """
        groups = self.rows.groupby("score", sort=False)
        means, values, count = groups.first(), groups["value"], groups.size()
        own = means["std"].notna()
        means["method"] = means["over"].mask(own)
        means["value"] = values.agg(lambda seeds: seeds.to_numpy().mean())
        over_seeds = values.agg(lambda seeds: seeds.to_numpy().std(ddof=min(1, len(seeds) - 1)))
        means["std"] = over_seeds.where(count > 1, means["std"])
        means["over"] = (count.astype("string") + " seeds").where(
            count > 1, means["over"].where(own)
        )
        return means.assign(seeds=count).sort_values(["order", "count", "score"])

    @property
    def means_or_none(self) -> pd.DataFrame:
        """The same with Python's values: None where one is missing."""
        return self.means.astype(object).where(self.means.notna(), None)

    def of_seeds(self: S, seeds: Collection[int | None]) -> S:
        """The scores of some seeds alone."""
        left = tuple(one for one in self.seeds if one.seed in seeds)
        rows = self.rows[self.rows["seed"].isin(seeds)]
        return cast(S, type(self).model_construct(**dict(self) | {"seeds": left, "rows": rows}))


class Sampling(Record):
    """How a run's samples were drawn; what the parameters leave out is `SampleConfig`'s default."""

    seed: int = 0
    batchnorm: str = "running"
    count: int = 5000


class RunScores(Scores):
    """`data/scores/<evaluation>.parquet`: a run's samples against real images."""

    n_generated: int
    sampling: Sampling

    @property
    def n(self) -> int:
        return self.n_generated


class HeldOut(Record):
    """Which real images stand where a run's samples would."""

    dataset: str
    count: int
    how: str  # "the other half" or "a data set held out"


class RealScores(Scores):
    """`data/scores/reference-<dataset>-<evaluator>.parquet`: real images against other real."""

    n_real: int
    held_out: HeldOut

    @property
    def n(self) -> int:
        return self.n_real


class MatchedTap(Record):
    """One matched layer: its name and one sample's shape, C x H x W."""

    name: str
    shape: tuple[int, ...]


class TapGap(Record):
    """How far a tap's generated moments are from the real ones, in real standard deviations."""

    tap: str
    mean_gap: float
    std_gap: float


class TrainedModel(Record):
    """`data/models/<run>/seed-<seed>/config.json`: a generator and what it matches."""

    run: str
    parameters: dict[str, Any]
    features: int
    taps: tuple[MatchedTap, ...]
    generator_parameters: int
    statistics: dict[str, Any]
    gaps: tuple[TapGap, ...] = ()
    precision: dict[str, str] = pydantic.Field(default_factory=dict)
    collapsed: str | None = None  # that its samples are all alike


class SeedSnapshots(Record):
    """Of one seed: the rank correlation of loss and distance; None where one is constant."""

    seed: int
    rank_correlation: float | None


class Snapshots(Record):
    """`data/scores/snapshots-<run>-<evaluator>.parquet`: loss and distance along a training.

    `rows`: one a seed and step: seed, step, loss (equation 1), distance, count of samples.
    """

    run: str
    dataset: str
    evaluator: str
    score: str  # the distance's name: fd_lite2_5k
    title: str  # in words
    n_reference: int
    seeds: tuple[SeedSnapshots, ...] = pydantic.Field(min_length=1)
    rows: pd.DataFrame = pydantic.Field(repr=False)
