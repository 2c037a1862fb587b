"""What a classifier of a data set's own classes predicts for images."""

from collections.abc import Iterator

import numpy as np
import torch

from gfmn.common.errors import InputError
from gfmn.metrics.arrays import shape_of
from gfmn.metrics.class_score import probabilities
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.metric import Measurement, Metric, Reference, Samples

CONFIDENT = 0.9  # probability of the predicted class
COVERED = 0.1  # of a class's frequency among real images
METRICS: tuple[Metric, ...] = (
    Metric("accuracy", "Accuracy", "higher", decimals=3),
    Metric("confidence", "Confidence", "higher", decimals=3),
    Metric("confident", "Confident", "higher", decimals=3),
    Metric("covered", "Classes covered", "higher", decimals=3),
    Metric("class_distance", "Class distance", "lower", decimals=3),
)


def measure(samples: Samples, reference: Reference, config: MetricsConfig) -> Iterator[Measurement]:
    """Of a classifier that was trained on the data's own classes; accuracy of labeled images."""
    if samples.logits is None or reference.class_frequencies is None:
        return
    report = class_report(samples.logits, reference.class_frequencies, samples.labels)
    for metric in METRICS:
        if metric.name in report:
            count, value = len(samples.logits), report[metric.name]
            yield metric.measurement(samples.space, count, value)


def class_report(
    logits: np.ndarray, real: np.ndarray | None = None, labels: np.ndarray | None = None
) -> dict[str, float]:
    """Figures of N x K logits, all from 0 to 1.

    `confidence`: mean of the largest softmax probability, the accuracy that the classifier
    expects of itself. `confident`: fraction of rows whose largest probability is 0.9 or more.
    With `real` (K, sum 1: the classes' frequencies among real images), `covered`: the fraction of
    classes with real images whose frequency is at least a tenth of the real one, and
    `class_distance`: half the sum of the frequencies' absolute differences (total variation).
    With `labels` (N integers: the true classes), `accuracy`: fraction of rows whose prediction is
    the label. Memory grows with N by one prediction per row only.
    """
    largest, predicted = _predictions(logits)
    report = {
        "confidence": float(largest.mean()),
        "confident": float((largest >= CONFIDENT).mean()),
    }
    if real is not None:
        frequencies = _frequencies(predicted, logits.shape[1])
        report |= _compared(frequencies, np.asarray(real, np.float64))
    if labels is not None:
        report["accuracy"] = _accuracy(predicted, np.asarray(labels), logits.shape[1])
    return report


def class_frequencies(logits: np.ndarray) -> np.ndarray:
    """The classes' frequencies among the predictions of N x K logits: K float64, sum 1."""
    return _frequencies(_predictions(logits)[1], logits.shape[1])


def _predictions(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each row's largest probability and its class (N float64, N int64)."""
    if logits.ndim != 2 or logits.size == 0:
        raise InputError(f"expected N x K logits, found {shape_of(logits)}")
    best = [p.max(1) for p in probabilities(logits)]
    largest = torch.cat([b.values for b in best]).numpy()
    return largest, torch.cat([b.indices for b in best]).numpy()


def _frequencies(predicted: np.ndarray, classes: int) -> np.ndarray:
    frequencies: np.ndarray = np.bincount(predicted, minlength=classes) / len(predicted)
    return frequencies


def _compared(frequencies: np.ndarray, real: np.ndarray) -> dict[str, float]:
    if real.shape != frequencies.shape or real.min() < 0 or not np.isclose(real.sum(), 1):
        expected = f"{len(frequencies)} frequencies, 0 or more, of sum 1"
        raise InputError(f"expected {expected}, found {shape_of(real)} of sum {real.sum():.6g}")
    covered = frequencies[real > 0] >= COVERED * real[real > 0]
    distance = np.abs(frequencies - real).sum() / 2
    return {"covered": float(covered.mean()), "class_distance": float(distance)}


def _accuracy(predicted: np.ndarray, labels: np.ndarray, classes: int) -> float:
    if labels.shape != predicted.shape or labels.dtype.kind not in "iu":
        actual = f"{shape_of(labels)} {labels.dtype}"
        raise InputError(f"expected {len(predicted)} integer labels, found {actual}")
    if labels.min() < 0 or labels.max() >= classes:
        actual = f"{labels.min()} to {labels.max()}"
        raise InputError(f"expected labels from 0 to {classes - 1}, found {actual}")
    return float((predicted == labels).mean())
