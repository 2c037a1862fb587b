"""Pretraining of an extractor inside the pipeline: a class of parameters for each task."""

from typing import Any

from gfmn.common.config import choose
from gfmn.pretraining import autoencoder, classifier  # noqa: F401 - each registers its task
from gfmn.pretraining.autoencoder import AutoencoderConfig
from gfmn.pretraining.base import TASKS, Pretraining, PretrainingConfig
from gfmn.pretraining.classifier import ClassifierConfig
from gfmn.pretraining.loop import pretrain, pretraining_fingerprint

__all__ = [
    "TASKS",
    "AutoencoderConfig",
    "ClassifierConfig",
    "Pretraining",
    "PretrainingConfig",
    "parse",
    "pretrain",
    "pretraining_fingerprint",
]


def parse(data: Any, where: str) -> PretrainingConfig:
    """The parameters of one network; its `task` says which class they are checked against."""
    return choose(data, where, "task", TASKS).parse(data, where)
