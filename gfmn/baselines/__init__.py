"""The methods that the paper's Table 4 compares with, trained on the same images and generators.

A method is a file in `methods/`: its two losses, its critic, its settings and where they are from.
"""

from typing import Any

from gfmn.baselines import methods  # noqa: F401 - registers every method
from gfmn.baselines.config import METHODS, BaselineConfig
from gfmn.common.config import choose

__all__ = ["METHODS", "BaselineConfig", "parse"]


def parse(data: Any, where: str) -> BaselineConfig:
    """The parameters of one baseline; its `method` says which class they are checked against."""
    return choose(data, where, "method", METHODS).parse(data, where)
