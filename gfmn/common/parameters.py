"""The parameters of a study: `params.yaml`, and what it leaves to `profile.yaml` next to it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gfmn.common import yaml_reader
from gfmn.common.errors import InputError

PROFILE = "profile.yaml"  # of a study that `gfmn new` made: all that is not the user's choice


def read(path: Path, sections: Iterable[str] = ()) -> dict[str, Any]:
    """All of a study's parameters, from the path of its params.yaml.

    Raises `InputError` as `parse` does, where there is no such file, and for a value that stands in
    both files: DVC refuses it too.
    """
    params = _read(path, sections)
    profile = path.with_name(PROFILE)
    return combined(_read(profile), params, str(path)) if profile.exists() else params


def combined(profile: Mapping[str, Any], params: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Both files' mappings as one; `where` begins the error for a value that both have."""
    result = dict(profile)
    for key, value in params.items():
        other = profile.get(key)
        if isinstance(value, Mapping) and isinstance(other, Mapping):
            result[key] = combined(other, value, f"{where}: {key}")
        elif key in profile:
            expected = f"expected in one of params.yaml and {PROFILE}, found in both"
            raise InputError(f"{where}: {key}: {expected}")
        else:
            result[key] = value
    return result


def _read(path: Path, sections: Iterable[str] = ()) -> dict[str, Any]:
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
