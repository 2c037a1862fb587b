"""What a metric is, what it is given, and what it gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from torch import Tensor

from gfmn.metrics.gaussian import Gaussian

DIGITS = 6  # significant ones that are written
SPACES = ("pixel", "feature")  # in which nearest real images are searched


@dataclass(frozen=True)
class FeatureSpace:
    """A feature space's name, and whether it is the one of FID, IS and KID."""

    name: str
    canonical: bool = False


@dataclass(frozen=True)
class Metric:
    """What a metric is called, and how its values are shown and compared."""

    name: str  # begins the score's name: "fd" in fd_lite2_5k
    title: str  # in words, for a table's heading
    direction: Literal["lower", "higher", "half"]  # which values are better; half: near 0.5
    decimals: int | None = None  # in tables; None: about four significant digits
    inception: tuple[str, str] | None = None  # name and title in Inception's own space
    main: bool = False  # stands in the tables of runs; the page has the others too

    def score_name(self, space: FeatureSpace, count: int | None) -> str:
        """A score's name: FID's, IS's and KID's own only in Inception's space."""
        size = "inf" if count is None else thousands(count)
        if space.canonical and self.inception:
            return f"{self.inception[0]}_{size}"
        return f"{self.name}_{space.name}_{size}"

    def measurement(
        self,
        space: FeatureSpace,
        count: int | None,
        value: float,
        std: float | None = None,
        over: str | None = None,
    ) -> "Measurement":
        """A value of this metric, of `count` images; None: extrapolated to infinitely many."""
        own = self.inception if space.canonical and self.inception else (self.name, self.title)
        name = self.score_name(space, count)
        return Measurement(
            name, value, std, over, metric=self, kind=own[0], title=own[1], count=count
        )


@dataclass(frozen=True)
class Measurement:
    """A score: a number under its name, and where it is a mean its standard deviation.

    `over`: what the deviation is over ("10 splits"), or how a value without one was made;
    `kind`, `title`: the metric's name and title in this space; `count`: images, None: infinitely
    many.
    """

    name: str
    value: float
    std: float | None
    over: str | None
    metric: Metric
    kind: str
    title: str
    count: int | None

    def to_json(self) -> dict[str, Any]:
        """Value, deviation and what it is over, without what is absent; of six digits."""
        data = {"value": rounded(self.value), "std": rounded(self.std), "over": self.over}
        return {key: value for key, value in data.items() if value is not None}


Measurements = dict[str, Measurement]  # by name, in the order of tables
RealSums = dict[tuple[int, ...], Tensor]  # by what they depend on besides the real features


@dataclass(frozen=True)
class Samples:
    """Images to be scored, in random order, as a feature space has them.

    `features`: N x D; `logits`: N x K, None without a classifier; `labels`: N true classes of
    labeled real images; `nearest`: by `pixel` and `feature`, some images' distances to their
    nearest real one, empty where these are not asked for; `images`: some of them, H x W x 3.
    """

    space: FeatureSpace
    features: np.ndarray
    logits: np.ndarray | None = None
    labels: np.ndarray | None = None
    nearest: Mapping[str, np.ndarray] = field(default_factory=dict)
    images: np.ndarray | None = None


@dataclass(frozen=True)
class RealFeatures:
    """Real images' features (N x D) and what metrics ask of them.

    `gaussian`: of all rows, with its root; `manifold`: the numbers of the M rows that stand for
    them in precision and recall; `radii`: those rows' k-NN radii, M; `kernel_sums`: what the kernel
    distance of one seed's samples leaves for the next seed's.
    """

    gaussian: Gaussian
    features: np.ndarray
    manifold: np.ndarray
    radii: np.ndarray
    kernel_sums: RealSums = field(default_factory=dict)


@dataclass(frozen=True)
class Reference:
    """Real images in an evaluator's feature space: what images are compared with.

    `class_frequencies`: of the K classes that the evaluator sees in them, None unless it was
    trained on these; `held_out`: by `pixel` and `feature`, held-out images' distances to their
    nearest real image (Q), ascending; `facts`: the data set's, the evaluator's, the settings.
    """

    real: RealFeatures
    class_frequencies: np.ndarray | None
    held_out: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]


def thousands(count: int) -> str:
    """A number of images as a score's name has it: 5000 -> "5k", 1797 -> "1797"."""
    return f"{count // 1000}k" if count % 1000 == 0 else str(count)


def rounded(value: float | None) -> float | None:
    """The value that is written: of six significant digits."""
    return None if value is None else float(f"{value:.{DIGITS}g}")
