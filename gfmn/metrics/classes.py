"""What a classifier of a data set's own classes says of generated images."""

from typing import Any

import numpy as np
import torch

from gfmn.common.errors import InputError
from gfmn.metrics.arrays import shape_of
from gfmn.metrics.class_score import probabilities

CONFIDENT = 0.9  # probability of the predicted class
COVERED = 0.1  # of a class's real share


def class_report(
    logits: np.ndarray, real_shares: np.ndarray | None = None, labels: np.ndarray | None = None
) -> dict[str, Any]:
    """Figures of N x K logits; all but the shares are floats from 0 to 1.

    `confidence`: mean of the largest softmax probability, the accuracy that the classifier
    expects of itself. `confident`: share of rows whose largest probability is 0.9 or more.
    `shares`: of the K classes among the predictions, a list of floats.
    With `real_shares` (K, sum 1: of the classes among real images), `covered`: the fraction of
    classes with real images whose share is at least a tenth of the real one, and
    `class_distance`: half the sum of the shares' absolute differences (total variation).
    With `labels` (N integers: the classes that were asked for), `accuracy`: share of rows whose
    prediction is the label. Memory grows with N by one prediction per row only.
    """
    if logits.ndim != 2 or logits.size == 0:
        raise InputError(f"expected N x K logits, found {shape_of(logits)}")
    best = [p.max(1) for p in probabilities(logits)]
    largest = torch.cat([b.values for b in best]).numpy()
    predicted = torch.cat([b.indices for b in best]).numpy()
    shares = np.bincount(predicted, minlength=logits.shape[1]) / len(logits)
    report: dict[str, Any] = {
        "confidence": float(largest.mean()),
        "confident": float((largest >= CONFIDENT).mean()),
        "shares": shares.tolist(),
    }
    if real_shares is not None:
        report |= _against(shares, np.asarray(real_shares, np.float64))
    if labels is not None:
        report["accuracy"] = _accuracy(predicted, np.asarray(labels), logits.shape[1])
    return report


def _against(shares: np.ndarray, real: np.ndarray) -> dict[str, float]:
    if real.shape != shares.shape or real.min() < 0 or not np.isclose(real.sum(), 1):
        found = f"{shape_of(real)} of sum {real.sum():.6g}"
        raise InputError(f"expected {len(shares)} real shares, 0 or more, of sum 1, found {found}")
    covered = shares[real > 0] >= COVERED * real[real > 0]
    distance = np.abs(shares - real).sum() / 2
    return {"covered": float(covered.mean()), "class_distance": float(distance)}


def _accuracy(predicted: np.ndarray, labels: np.ndarray, classes: int) -> float:
    if labels.shape != predicted.shape or labels.dtype.kind not in "iu":
        found = f"{shape_of(labels)} {labels.dtype}"
        raise InputError(f"expected {len(predicted)} integer labels, found {found}")
    if labels.min() < 0 or labels.max() >= classes:
        found = f"{labels.min()} to {labels.max()}"
        raise InputError(f"expected labels from 0 to {classes - 1}, found {found}")
    return float((predicted == labels).mean())
