"""An Inception-style score: of the Inception Score's form, for any classifier."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from gfmn.common.errors import InputError
from gfmn.metrics.arrays import chunks, shape_of
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.metric import Measurement, Metric, Reference, Samples

CLASS_SCORE = Metric(
    "score",
    "Inception-style score",
    "higher",
    decimals=2,
    inception=("is", "Inception score"),
    main=True,
)
METRICS: tuple[Metric, ...] = (CLASS_SCORE,)


def measure(samples: Samples, reference: Reference, config: MetricsConfig) -> Iterator[Measurement]:
    """The score over `config.splits` parts, where the evaluator is a classifier."""
    if samples.logits is None:
        return
    mean, std = class_score(samples.logits, config.splits, config.seed)
    over = f"{config.splits} splits"
    yield CLASS_SCORE.measurement(samples.space, len(samples.features), mean, std, over)


def class_score(
    logits: np.ndarray | Tensor, splits: int = 10, seed: int | None = None
) -> tuple[float, float]:
    """exp(E KL(p(y|x) || p(y))) of N x K logits: mean and deviation over `splits` parts.

    The form of Salimans et al. 2016; the Inception Score itself only where the logits are
    Inception's. The deviation is the population one, as is the custom. Part i of s is the rows
    from i N // s on, in the order given, or with a seed in that of
    `numpy.random.RandomState(seed).permutation(N)`, so that sorted rows do not bias the parts:
    with 2020 the score is torch-fidelity's. Memory is bounded by one part.
    """
    count = len(logits)
    if logits.ndim != 2 or not 1 <= splits <= count:
        actual = f"{splits} parts of {shape_of(logits)}"
        raise InputError(f"expected N x K logits in 1 to N parts, found {actual}")
    order = None if seed is None else np.random.RandomState(seed).permutation(count)
    scores = []
    for i in range(splits):
        part = slice(i * count // splits, (i + 1) * count // splits)
        scores.append(_score(logits[part] if order is None else logits[order[part]]))
    return float(np.mean(scores)), float(np.std(scores))


def probabilities(logits: np.ndarray | Tensor) -> Iterator[Tensor]:
    """The softmax of N x K logits, float64, in chunks of rows."""
    for rows in chunks(logits):
        yield rows.softmax(1)


def _score(logits: np.ndarray | Tensor) -> float:
    """exp of the classes' entropy less the rows' mean entropy: E KL, summed row by row."""
    marginal, entropy = torch.zeros(logits.shape[1], dtype=torch.float64), 0.0
    for p in probabilities(logits):
        marginal += p.sum(0)
        entropy += float(torch.special.entr(p).sum())
    marginal /= len(logits)
    return float((torch.special.entr(marginal).sum() - entropy / len(logits)).exp())
