"""Evaluators that have a name: `evaluators.yaml`."""

from importlib import resources
from typing import Any

from gfmn.common import yaml_reader


def published_evaluators() -> dict[str, Any]:
    """By name, each as a study's `evaluators.fetched` would have it."""
    text = resources.files("gfmn.metrics").joinpath("evaluators.yaml").read_text()
    return dict(yaml_reader.load(text, "evaluators.yaml"))
