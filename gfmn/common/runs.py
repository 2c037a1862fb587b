"""A run's parameters: the study's `defaults`, with what the run's row says otherwise."""

from collections.abc import Mapping
from typing import Any

from gfmn.common.config import suggest
from gfmn.common.errors import InputError

SECTIONS = {"runs": "defaults", "baselines": "baseline_defaults"}  # of what is trained


def run_row(
    params: Mapping[str, Any], name: str, where: str, section: str | None = None
) -> tuple[dict[str, Any], str]:
    """The complete row of a run or a baseline in a parameter file `where`, and its path for errors.

    `section`: the one that has it, where only that may. Raises `InputError` for a row that is not
    there, and for sections and rows that are no mappings.
    """
    if section is None:
        section = section_of(params, name, where)
    defaults, rows = (_mapping(params, key, where) for key in (SECTIONS[section], section))
    if name not in rows:
        raise InputError(f"{where}: {section}: no {name!r}; {suggest(name, rows)}")
    path, row = f"{where}: {section}.{name}", rows[name]
    if not isinstance(row, Mapping):
        raise InputError(f"{path}: expected a mapping of parameters, found {row!r:.60}")
    return merged(defaults, row), path


def section_of(params: Mapping[str, Any], name: str, where: str) -> str:
    """The section that has a name's row: that of the runs where it is no baseline's."""
    return "baselines" if name in _mapping(params, "baselines", where) else "runs"


def run_rows(params: Mapping[str, Any], where: str) -> dict[str, dict[str, Any]]:
    """The complete row of every run and baseline; raises `InputError` as `run_row` does."""
    return {
        name: run_row(params, name, where, section)[0]
        for section in SECTIONS
        for name in _mapping(params, section, where)
    }


def _mapping(params: Mapping[str, Any], section: str, where: str) -> Mapping[str, Any]:
    value = params.get(section, {})
    if not isinstance(value, Mapping):
        raise InputError(f"{where}: {section}: expected a mapping, found {value!r:.60}")
    return value


def merged(defaults: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """`defaults` overridden by `row`; mappings that both have are merged key by key."""
    result = dict(defaults)
    for key, value in row.items():
        inherited = defaults.get(key)
        if isinstance(inherited, Mapping) and isinstance(value, Mapping):
            value = merged(inherited, value)
        result[key] = value
    return result
