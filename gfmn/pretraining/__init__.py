"""Pretraining of an extractor inside the pipeline, by task: each is a class of parameters."""

from collections.abc import Callable, Mapping
from typing import Any

from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.datasets.prepared import PreparedDataset
from gfmn.pretraining.autoencoder import AutoencoderConfig, AutoencoderTraining
from gfmn.pretraining.base import Pretraining, pretrain, pretraining_fingerprint
from gfmn.pretraining.classifier import ClassifierConfig, ClassifierTraining

__all__ = [
    "AutoencoderConfig",
    "ClassifierConfig",
    "TrainedConfig",
    "build",
    "parse",
    "pretrain",
    "pretraining_fingerprint",
]

TrainedConfig = AutoencoderConfig | ClassifierConfig
TASKS: dict[str, tuple[type[TrainedConfig], Callable[[Any, str, PreparedDataset], Pretraining]]] = {
    "autoencoder": (AutoencoderConfig, AutoencoderTraining),
    "classifier": (ClassifierConfig, ClassifierTraining),
}


def parse(data: Any, where: str) -> TrainedConfig:
    """The parameters of one network; its `task` says which class they are checked against."""
    task = data.get("task") if isinstance(data, Mapping) else None
    if task not in TASKS:
        raise InputError(f"{where}.task: unknown {task!r}; {suggest(str(task), TASKS)}")
    return TASKS[task][0].parse(data, where)


def build(config: TrainedConfig, name: str, data: PreparedDataset) -> Pretraining:
    """A pretraining before its first step."""
    return TASKS[config.task][1](config, name, data)
