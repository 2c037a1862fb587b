"""Objectives by name: what of the taps is matched, and how.

A new objective is a file of its own and its line in the list of imports: each file registers its
objective, and what parameters may name is derived from the registry.
"""

from typing import TYPE_CHECKING, Literal

from pydantic import create_model

from gfmn.common.config import Config
from gfmn.features.moments import Target
from gfmn.training.objectives import (  # noqa: F401
    adam_moving_average,
    l2,
    moment_matching,
    moving_average,
)
from gfmn.training.objectives.base import OBJECTIVES, Objective

# `Name`: one of the registered names. `Groups`: the parameters of every objective that has some, a
# group each, named as the objective.
if TYPE_CHECKING:  # which cannot follow what is made at run time
    Name = str
    Groups = Config
else:
    Name = Literal[tuple(sorted(OBJECTIVES))]
    Groups = create_model(
        "Groups",
        __base__=Config,
        **{
            name: (cls.Config, cls.Config())
            for name, cls in OBJECTIVES.items()
            if cls.Config.model_fields
        },
    )


def build(name: Name, target: Target, groups: Groups, seed: int = 0) -> Objective:
    """The objective of that name, with its own group of parameters."""
    cls = OBJECTIVES[name]
    return cls(target, getattr(groups, name, cls.Config()), seed)
