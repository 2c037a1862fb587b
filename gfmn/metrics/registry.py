"""All metrics. A new one is a file with `METRICS` and `measure`, and its line here."""

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Protocol, cast

import numpy as np

from gfmn.common.errors import InputError
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.metric import DIGITS, Measurement, Measurements, Metric, Reference, Samples


class MetricModule(Protocol):
    """A metric's file: what it is called and shown as, and how it is computed.

    `measure` yields nothing where the images lack what the metric needs.
    """

    METRICS: tuple[Metric, ...]

    def measure(
        self, samples: Samples, reference: Reference, config: MetricsConfig, /
    ) -> Iterator[Measurement]: ...


MODULES: tuple[MetricModule, ...] = tuple(  # in the order of tables' columns
    cast(MetricModule, import_module(f"gfmn.metrics.{name}"))
    for name in (
        "frechet",
        "infinity",
        "class_score",
        "kernel",
        "sliced",
        "precision_recall",
        "classes",
        "memorization",
        "checkerboard",
    )
)
NAMES = tuple(dict.fromkeys(metric.name for module in MODULES for metric in module.METRICS))


def measure_all(samples: Samples, reference: Reference, config: MetricsConfig) -> Measurements:
    """Every score of images, by name; `InputError` for features of another width."""
    width, real_width = samples.features.shape[1], reference.real.features.shape[1]
    if width != real_width:
        both = f"{width}, and {real_width} of the real images"
        raise InputError(f"{samples.space.name}: expected features of one width, found {both}")
    return {
        score.name: score
        for module in MODULES
        for score in module.measure(samples, reference, config)
    }


def means(by_seed: Iterable[Mapping[str, Measurement]]) -> dict[str, float]:
    """Each score's mean over seeds, by name, of six significant digits."""
    values: dict[str, list[float]] = {}
    for scores in by_seed:
        for name, score in scores.items():
            values.setdefault(name, []).append(score.value)
    return {name: float(f"{np.mean(each):.{DIGITS}g}") for name, each in values.items()}
