"""The points of a sweep or a search: a run with other values of some fields, all checked first."""

import copy
import hashlib
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gfmn.common import yaml_reader
from gfmn.common.errors import InputError
from gfmn.common.runs import section_of
from gfmn.study import check

SEEDS = "seeds"  # the field that tells the points of one setting apart
LONGEST = 100  # characters of a name, which is that of a file too


@dataclass(frozen=True)
class Point:
    """A run, and the values of the fields that differ from its row; `group.field` of a group."""

    run: str
    values: dict[str, Any]

    @property
    def name(self) -> str:
        """A name for files and for git: the run, the fields and their values."""
        name = "-".join((self.run, *(f"{key}={_text(v)}" for key, v in self.values.items())))
        digest = hashlib.sha256(name.encode()).hexdigest()
        return name if len(name) <= LONGEST else f"{name[: LONGEST - 9]}-{digest[:8]}"

    @property
    def setting(self) -> dict[str, Any]:
        """All values but the seeds."""
        return {key: value for key, value in self.values.items() if key != SEEDS}


def _text(value: Any) -> str:
    text = re.sub(r"[^\w.+-]+|\.(?!\d)", "_", json.dumps(value), flags=re.ASCII)
    return text.strip("_")


def choices(words: Sequence[str], where: str) -> dict[str, list[Any]]:
    """The values of each field, from `field=value,value`; each value is read as YAML.

    A value that is a list or a mapping has its brackets: `taps=[conv1_1],[conv1_1,conv2_1]`.
    """
    found: dict[str, list[Any]] = {}
    for word in words:
        field, equals, text = word.partition("=")
        if not (field and equals and text):
            raise InputError(f"{where}: expected FIELD=VALUE,VALUE, found {word!r}")
        if field in found:
            raise InputError(f"{where} {field}: expected it once, found it again")
        found[field] = yaml_reader.load(f"[{text}]", f"{where} {field}")
    return found


def combinations(fields: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, Any]]:
    """Every combination of the fields' values; the last field changes first."""
    for values in itertools.product(*fields.values()):
        yield dict(zip(fields, values, strict=True))


def changed(params: Mapping[str, Any], run: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """A study's parameters with values in the row of a run or a baseline."""
    result = copy.deepcopy(dict(params))
    row = result[section_of(params, run, "params.yaml")][run]
    for field, value in values.items():
        *groups, key = field.split(".")
        place = row
        for group in groups:
            place = place.setdefault(group, {})
            if not isinstance(place, dict):
                raise InputError(f"{field}: expected {group} to be a mapping, found {place!r:.60}")
        place[key] = value
    return result


def plan(
    params: Mapping[str, Any],
    where: str,
    runs: Sequence[str],
    fields: Mapping[str, Sequence[Any]],
    seeds: int | None = None,
) -> list[Point]:
    """Every run with every combination of values, each a point; with `seeds` one a seed from 0.

    Raises the `InputError` of the study's own check for the first combination that is not valid,
    and where two points are the same.
    """
    points = []
    for run in runs:
        for values in combinations(fields):
            every = {SEEDS: [*range(seeds)]} if seeds else {}
            check(changed(params, run, values | every), where)
            each: list[dict[str, Any]] = [{SEEDS: [seed]} for seed in range(seeds or 0)] or [{}]
            points += [Point(run, values | one) for one in each]
    names = [point.name for point in points]
    if again := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"expected points that differ, found {again} twice")
    return points
