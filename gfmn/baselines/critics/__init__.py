"""The critics by name: images to numbers, of about the size of the generators."""

from typing import TYPE_CHECKING, Literal

from gfmn.baselines.critics import (  # noqa: F401 - each registers its critic
    dcgan,
    extractor,
    resnet,
    sngan,
)
from gfmn.baselines.critics.base import CRITICS, Critic, Heads, Shape, build

if TYPE_CHECKING:  # which cannot follow what is made at run time
    Name = str
else:
    Name = Literal[tuple(CRITICS)]  # as parameters have it

__all__ = ["CRITICS", "Critic", "Heads", "Name", "Shape", "build"]
