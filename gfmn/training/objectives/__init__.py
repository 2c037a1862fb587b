"""Objectives by name: what of the taps is matched, and how.

A new objective is a file of its own and its line in the list of imports: each file registers its
objective, and what parameters may name is derived from the registry.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import create_model

from gfmn.common.config import Config
from gfmn.common.errors import InputError
from gfmn.features.target import Target
from gfmn.training.objectives import (  # noqa: F401
    adam_moving_average,
    drifting,
    l2,
    mixture,
    mmd,
    moment_matching,
    moving_average,
    pooled_gaussian,
    sliced_wasserstein,
)
from gfmn.training.objectives.base import OBJECTIVES, Objective
from gfmn.training.objectives.matching import Matching

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


def build(
    name: Name,
    target: Target,
    groups: Groups,
    seed: int = 0,
    added: Mapping[Name, float] | None = None,
) -> Matching:
    """The objective of that name, each with its own group of parameters.

    `added`: further objectives, by the length of their gradients in that of the first. Raises
    `InputError` where the target has not the groups of statistics that an objective needs.
    """

    def one(name: Name) -> Objective:
        cls = OBJECTIVES[name]
        for group in cls.needs:
            if not target.groups.get(group):
                expected = f"the group {group!r} of at least one selected tap"
                raise InputError(f"statistics: objective {name!r}: expected {expected}, found none")
        return cls(target, getattr(groups, name, cls.Config()), seed)

    return Matching(
        target, one(name), {more: (one(more), length) for more, length in (added or {}).items()}
    )
