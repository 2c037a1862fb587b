"""Parameters as frozen, strict classes: a wrong key or type is one line that names its path."""

import difflib
import json
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any, Self, Union, cast, get_args, get_origin

import pydantic
import pydantic.fields

from gfmn.common.errors import InputError


class Config(pydantic.BaseModel):
    """Base of every group of parameters: immutable, no unknown key, no silent conversion."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", strict=True)

    @classmethod
    def parse(cls, data: Any, where: str) -> Self:
        """Build from plain data (mappings, lists, numbers, strings), as a YAML reader returns it.

        `where` is the path of `data` in its file and begins every error, an `InputError`.
        """
        if not isinstance(data, Mapping):
            raise InputError(f"{where}: expected a mapping of parameters, found {data!r}")
        try:
            # By way of JSON, so that a YAML list passes for a tuple while types stay strict.
            return cls.model_validate_json(json.dumps(data, allow_nan=True))
        except pydantic.ValidationError as error:
            raise InputError(_first_line(cls, error, where)) from None


def nearest(word: str, known: Iterable[str]) -> str:
    """What to say of an unknown word: the nearest of the known ones, or all of them."""
    names = sorted(map(str, known))
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names)}"


def _first_line(cls: type[pydantic.BaseModel], error: pydantic.ValidationError, where: str) -> str:
    # An unknown key first: it is often the misspelt one of the keys that are then missing.
    errors = error.errors(include_url=False)
    first, *others = sorted(errors, key=lambda e: e["type"] != "extra_forbidden")
    owner, steps = _without_tags(cls, first["loc"])
    path = ".".join([where, *map(str, steps)])
    more = f" (and {len(others)} more)" if others else ""
    if first["type"] == "extra_forbidden":
        known = [field.alias or name for name, field in owner.model_fields.items()]
        return f"{path}: unknown key; {nearest(str(steps[-1]), known)}{more}"
    if first["type"] == "missing":
        return f"{path}: required, found nothing{more}"
    if first["type"] in ("union_tag_invalid", "union_tag_not_found"):
        about = first["ctx"]
        path = f"{path}.{about['discriminator'].strip(QUOTE)}"
        if "tag" not in about:
            return f"{path}: required, found nothing{more}"
        known = [tag.strip(QUOTE) for tag in about["expected_tags"].split(", ")]
        return f"{path}: no {about['tag']!r}; {nearest(about['tag'], known)}{more}"
    expected = first["msg"].replace("Input should be", "expected").removeprefix("Value error, ")
    return f"{path}: {expected}, found {first['input']!r}{more}"


QUOTE = "'"  # around each name that pydantic lists


def _without_tags(
    cls: type[pydantic.BaseModel], path: tuple[int | str, ...]
) -> tuple[type[pydantic.BaseModel], list[int | str]]:
    """The group of parameters that a path's last step belongs to, and the path as a user sees it.

    Pydantic's has also, behind a value that is one of several kinds, the kind.
    """
    steps: list[int | str] = []
    tagged: pydantic.fields.FieldInfo | None = None
    owner = cls
    for step in path:
        owner = cls
        if tagged is not None:
            cls = _of_kind(tagged, step) or cls
            tagged = None
            continue
        steps.append(step)
        field = cls.model_fields.get(str(step))
        if field is None:  # a name in a dictionary of groups
            continue
        kinds = [kind for kind in get_args(field.annotation) if kind is not type(None)]
        if get_origin(field.annotation) in (Union, UnionType) and len(kinds) > 1:
            tagged = field
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, pydantic.BaseModel):
                cls = inner
    return owner, steps


def _of_kind(field: pydantic.fields.FieldInfo, kind: object) -> type[pydantic.BaseModel] | None:
    if field.discriminator is None:
        return None
    for group in get_args(field.annotation):
        if kind in get_args(group.model_fields[str(field.discriminator)].annotation):
            return cast(type[pydantic.BaseModel], group)
    return None
