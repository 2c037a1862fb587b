"""The sections of a parameter file: named entries, and checks of their names."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from gfmn.common import yaml_reader
from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.common.stage import NAME

DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")  # which DVC's reader of YAML makes of such a name


def entries_by_kind(
    params: Mapping[str, Any], section: str, kinds: Collection[str], taken: str, where: str
) -> Iterator[tuple[str, str, Any, str]]:
    """Kind, name, parameters and path of each entry of a section that has its entries by kind.

    No name comes twice, whatever the kinds, and none is `taken`.
    """
    groups, names = params.get(section, {}), {taken}
    if not isinstance(groups, Mapping):
        raise InputError(f"{where}: {section}: expected a mapping, found {groups!r}")
    check_keys(groups, kinds, f"{where}: {section}")
    for kind in kinds:
        for name, data, path in entries(groups, kind, f"{where}: {section}", "."):
            if name in names:
                raise InputError(f"{path}: expected a name of its own, found {name!r}")
            names.add(name)
            yield kind, name, data, path


def entries(
    params: Mapping[str, Any], section: str, where: str, joint: str = ": "
) -> Iterator[tuple[str, Any, str]]:
    """Name, parameters and path of each entry of a section."""
    entries = params.get(section, {})
    path = f"{where}{joint}{section}"
    if not isinstance(entries, Mapping):
        raise InputError(f"{path}: expected a mapping from names to parameters, found {entries!r}")
    for name, data in entries.items():
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise InputError(f"{path}: expected a name of a-z, 0-9, _ and -, found {name!r}")
        if DATE.fullmatch(name) or not isinstance(yaml_reader.load(name, path), str):
            expected = "expected a name that YAML reads as text"
            raise InputError(f"{path}: {expected}, as {section.rstrip('s')}-{name}, found {name}")
        yield name, data, f"{path}.{name}"


def check_keys(data: Mapping[str, Any], known: Collection[str], where: str) -> None:
    for key in data:
        if key not in known:
            raise InputError(f"{where}: {key}: unknown key; {suggest(str(key), known)}")


def known(name: str, names: Collection[str], where: str) -> str:
    if name not in names:
        raise InputError(f"{where}: no {name!r}; {suggest(name, names)}")
    return name


def check_name(name: str, expected: str, where: str) -> str:
    """An entry that joins a data set and a network bears the name of its file."""
    if name != expected:
        raise InputError(f"{where}: expected the name {expected}, found {name}")
    return name
