"""A study's result files as classes: strict in what they must hold, open to more."""

from typing import Any

import pydantic

from gfmn.common.config import Config
from gfmn.reporting.score_info import Direction, ScoreInfo


class Record(Config):
    """A result file: strict in what it must hold, open to keys that it may hold besides."""

    model_config = pydantic.ConfigDict(extra="ignore")


class Score(Record):
    """A score of one seed's samples, with its own deviation where it has one.

    `over`: what the deviation is over ("10 splits"), or how a score without one was made. What
    follows is the metric's own: see the columns of `gfmn.metrics.score_file`.
    """

    value: float
    std: float | None = None
    over: str | None = None
    kind: str  # what its name begins with: fd; fid in Inception's space
    count: int | None  # images; None: extrapolated to infinitely many
    title: str
    direction: Direction  # which values are better; half: near 0.5
    decimals: int | None  # in tables; None: about four significant digits
    main: bool  # stands in the tables of runs
    order: int  # of its kind among all kinds, for columns

    @property
    def info(self) -> ScoreInfo:
        """How the score is shown."""
        return ScoreInfo(
            self.kind,
            self.count,
            self.title,
            self.direction,
            self.decimals,
            self.main,
            self.order,
        )


class Distances(Record):
    """Percentiles 0 to 100 of distances to the nearest training image."""

    generated: tuple[float, ...]
    held_out: tuple[float, ...]  # of real images that are no training images
    unit: str


class Nearest(Record):
    """Distances to the nearest training image, in pixels and in the evaluator's features."""

    pixel: Distances | None = None
    feature: Distances | None = None


class Classes(Record):
    """Each class's share of the real and of the generated images."""

    names: tuple[str, ...] | None
    real: tuple[float, ...]
    generated: tuple[float, ...]


class SeedScores(Record):
    """What one seed's samples were measured to be; without a seed for real images."""

    seed: int | None
    scores: dict[str, Score]
    classes: Classes | None = None
    nearest: Nearest | None = None
    caveats: tuple[str, ...] = ()  # what so few images, or images that are all alike, cannot say


class Scores(Record):
    """What every file of scores says of its space, and the scores by seed."""

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
    seeds: tuple[SeedScores, ...]

    @property
    def n(self) -> int:
        """How many images are scored."""
        raise NotImplementedError


class Sampling(Record):
    """How a run's samples were drawn; what the parameters leave out is `SampleConfig`'s default."""

    seed: int = 0
    batchnorm: str = "running"
    count: int = 5000


class RunScores(Scores):
    """`data/scores/<evaluation>.parquet`: a run's samples against real images."""

    run: str
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
