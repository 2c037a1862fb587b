"""Parameters as frozen, strict classes: a wrong key or type is one line that names its path."""

import difflib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Self, get_args

import pydantic

from gfmn.errors import InputError


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
    path = ".".join([where, *map(str, first["loc"])])
    more = f" (and {len(others)} more)" if others else ""
    if first["type"] == "extra_forbidden":
        known = _fields_at(cls, first["loc"][:-1])
        return f"{path}: unknown key; {nearest(str(first['loc'][-1]), known)}{more}"
    if first["type"] == "missing":
        return f"{path}: required, found nothing{more}"
    expected = first["msg"].replace("Input should be", "expected").removeprefix("Value error, ")
    return f"{path}: {expected}, found {first['input']!r}{more}"


def _fields_at(cls: type[pydantic.BaseModel], path: tuple[int | str, ...]) -> Iterable[str]:
    for step in path:
        field = cls.model_fields.get(str(step))
        annotation = field.annotation if field else None  # none: a name in a dictionary of groups
        for inner in (annotation, *get_args(annotation)):
            if isinstance(inner, type) and issubclass(inner, pydantic.BaseModel):
                cls = inner
    return cls.model_fields
