"""The parameter file of a study, read as DVC reads it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from gfmn.common.errors import InputError


def read(path: Path, sections: Iterable[str] = ()) -> dict[str, Any]:
    """The whole file; raises `InputError` as `parse` does, and where there is none."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: expected a study's parameters, found no file") from None
    except OSError as error:
        raise InputError(
            f"{path}: expected a study's parameters, found: {error.strerror}"
        ) from None
    return parse(content, str(path), sections)


def parse(content: bytes, where: str, sections: Iterable[str] = ()) -> dict[str, Any]:
    """YAML 1.2, in which `5e-05` is a number: a mapping, and so is each of its `sections`.

    Raises `InputError`, which begins with `where`, for anything else.
    """
    try:
        params = YAML(typ="safe").load(content)
    except (ValueError, YAMLError) as error:  # of bytes that are no text, too
        raise InputError(f"{where}: expected YAML, found {' '.join(str(error).split())}") from None
    if not isinstance(params, Mapping):
        raise InputError(f"{where}: expected a mapping of parameters, found {params!r:.60}")
    for name in sections:
        if not isinstance(params.get(name), Mapping):
            found = repr(params[name]) if name in params else "nothing"
            raise InputError(f"{where}: {name}: expected a mapping, found {found:.60}")
    return dict(params)
