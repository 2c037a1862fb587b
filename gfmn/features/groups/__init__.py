"""Statistics of pooled real features, in groups that a statistics file has on request.

Objectives say which group they need. A new group is a file of its own and its line here.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import create_model
from torch import Tensor

from gfmn.common.config import Config
from gfmn.common.errors import InputError
from gfmn.features.groups.bank import Bank
from gfmn.features.groups.base import NO_CLASSES, Classes, Group
from gfmn.features.groups.covariance import Covariance
from gfmn.features.groups.landmarks import Landmarks
from gfmn.features.groups.mixture import Mixture
from gfmn.features.groups.quantiles import Quantiles

GROUPS: dict[str, type[Group]] = {
    "covariance": Covariance,
    "bank": Bank,
    "mixture": Mixture,
    "landmarks": Landmarks,
    "quantiles": Quantiles,
}

# The parameters of every group; None: not in the file.
if TYPE_CHECKING:  # which cannot follow what is made at run time
    GroupConfigs = Config
else:
    GroupConfigs = create_model(
        "GroupConfigs",
        __base__=Config,
        **{name: (group.Config | None, None) for name, group in GROUPS.items()},
    )


def new_groups(
    config: GroupConfigs, images: int, classes: Classes = NO_CLASSES
) -> dict[str, Group]:
    """The groups that are asked for, empty, for a data set of so many images."""
    asked = {name: getattr(config, name) for name in GROUPS}
    return {
        name: GROUPS[name](one, images, classes) for name, one in asked.items() if one is not None
    }


def check_groups(groups: Mapping[str, Mapping[str, Tensor]], path: Path) -> None:
    """Raise `InputError` for a file's group without tensors, or with some that do not fit."""
    for name, tensors in groups.items():
        if not tensors:
            raise InputError(f"{path}: expected tensors of the group {name}, found none")
        GROUPS[name].Part.check(tensors, f"{path}: {name}")


def check_widths(
    groups: Mapping[str, Mapping[str, Tensor]], widths: Mapping[str, int], path: Path
) -> None:
    """Raise `InputError` for vectors of another length than a tap's, `widths` by its name."""
    for name, tensors in groups.items():
        for tap, width in widths.items():
            key = f"{tap}/{GROUPS[name].Part.tensors()[0]}"
            if key in tensors and len(tensors[key]) != width:
                found = len(tensors[key])
                raise InputError(f"{path}: {name}/{key}: expected {width} values, found {found}")
