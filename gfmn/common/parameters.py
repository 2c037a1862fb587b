"""The parameter file of a study, `params.yaml`."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gfmn.common import yaml_reader
from gfmn.common.errors import InputError


def read(path: Path, sections: Iterable[str] = ()) -> dict[str, Any]:
    """The whole file; raises `InputError` as `parse` does, and where there is none."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: expected a study's parameters, found no file") from None
    except OSError as error:
        found = error.strerror
        raise InputError(f"{path}: expected a study's parameters, found: {found}") from None
    return parse(content, str(path), sections)


def parse(content: str | bytes, where: str, sections: Iterable[str] = ()) -> dict[str, Any]:
    """The content of a parameter file: a mapping, and so is each of its `sections`.

    Raises `InputError`, which begins with `where`, for anything else; see `yaml_reader.load`.
    """
    params = yaml_reader.load(content, where)
    if not isinstance(params, Mapping):
        raise InputError(f"{where}: expected a mapping of parameters, found {params!r:.60}")
    for name in sections:
        if not isinstance(params.get(name), Mapping):
            found = repr(params[name]) if name in params else "nothing"
            raise InputError(f"{where}: {name}: expected a mapping, found {found:.60}")
    return dict(params)
