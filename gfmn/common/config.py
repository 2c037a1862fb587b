"""Parameters as frozen, strict classes: a wrong key or type is one line that names its path."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Self, TypeVar

import pydantic
from pydantic_core import PydanticCustomError

from gfmn.common.errors import InputError
from gfmn.common.text import without_secrets

T = TypeVar("T")
UNKNOWN_KEY = "unknown_key"  # type of an error
LONGEST = 300  # characters of a value in a message
EXPECTED = {  # by pydantic's types of errors: what these are in a file
    "model_type": "expected a mapping of parameters",
    "tuple_type": "expected a valid array",
}


class Config(pydantic.BaseModel):
    """Base of every group of parameters: immutable, no unknown key, no silent conversion.

    Lists are given and kept as tuples. A field that is one of several classes is parsed by itself,
    with the class that `choose` finds.
    """

    model_config = pydantic.ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False
    )

    @classmethod
    def parse(cls, data: Any, where: str) -> Self:
        """Build from plain data (mappings, lists, numbers, strings), as a YAML reader returns it.

        `where` is the path of `data` in its file and begins every error, an `InputError`.
        """
        if not isinstance(data, Mapping):
            raise InputError(f"{where}: expected a mapping of parameters, found {shown(data)}")
        try:
            return cls.model_validate(dict(data))
        except pydantic.ValidationError as error:
            raise InputError(_first_line(error, data, where)) from None

    @pydantic.model_validator(mode="before")
    @classmethod
    def _check_keys(cls, data: Any) -> Any:
        """Refuse an unknown key before a missing one: it is often that one, misspelled."""
        if not isinstance(data, Mapping):
            return data
        known = [field.alias or name for name, field in cls.model_fields.items()]
        for key in data if cls.model_config["extra"] == "forbid" else ():
            if key not in known:
                about = {"key": key, "hint": suggest(str(key), known)}
                raise PydanticCustomError(UNKNOWN_KEY, "unknown key; {hint}", about)
        return {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}


def choose(data: Any, where: str, key: str, kinds: Mapping[str, T]) -> T:
    """What the value of `key` in `data` names among `kinds`; else an `InputError`."""
    if not isinstance(data, Mapping):
        raise InputError(f"{where}: expected a mapping of parameters, found {shown(data)}")
    if key not in data:
        raise InputError(f"{where}.{key}: required, found nothing")
    name = data[key]
    if not isinstance(name, str) or name not in kinds:
        raise InputError(f"{where}.{key}: no {shown(name)}; {suggest(shown(name), kinds)}")
    return kinds[name]


def suggest(word: str, known: Iterable[str]) -> str:
    """What to say of an unknown word: the closest of the known ones, or all of them."""
    names = sorted(map(str, known))
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(names)}"


def _first_line(error: pydantic.ValidationError, data: Any, where: str) -> str:
    """One line on the first error, an unknown key before others, with the number of the others."""
    errors = error.errors(include_url=False)
    first, *others = sorted(errors, key=lambda e: e["type"] != UNKNOWN_KEY)
    path = ".".join([where, *_keys(data, first["loc"])])
    more = f" (and {len(others)} more)" if others else ""
    if first["type"] == UNKNOWN_KEY:
        return f"{path}.{first['ctx']['key']}: {first['msg']}{more}"
    if first["type"] == "missing":
        return f"{path}.{first['loc'][-1]}: required, found nothing{more}"
    expected = first["msg"].replace("Input should be", "expected").removeprefix("Value error, ")
    expected = EXPECTED.get(first["type"], expected)
    found = first["input"]
    return f"{path}: {expected}, found {shown(found)}{more}"


def shown(found: Any) -> str:
    """A value as a message has it: at most one line of it."""
    try:
        text = repr(list(found) if isinstance(found, tuple) else found)
    except ValueError:  # Python writes no integer of more than 4,300 digits
        return f"a number of {found.bit_length()} bits" if isinstance(found, int) else "too much"
    text = without_secrets(text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _keys(data: Any, location: Iterable[str | int]) -> list[str]:
    """The keys in an error's location, without the types that pydantic names for a union."""
    keys = []
    for step in location:
        try:
            data = data[step]
        except (LookupError, TypeError):
            continue
        keys.append(str(step))
    return keys
