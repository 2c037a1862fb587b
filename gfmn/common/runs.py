"""A run's parameters: the study's `defaults`, with what the run's row says otherwise."""

from collections.abc import Mapping
from typing import Any

from gfmn.common.config import suggest
from gfmn.common.errors import InputError


def run_row(params: Mapping[str, Any], name: str, where: str) -> tuple[dict[str, Any], str]:
    """One run's complete row of a parameter file `where`, and the row's path for errors.

    Raises `InputError` for a run that is not there, and for rows that are no mappings.
    """
    return _row(params, ("defaults", "runs"), name, where)


def baseline_row(params: Mapping[str, Any], name: str, where: str) -> tuple[dict[str, Any], str]:
    """As `run_row`, of the sections `baselines` and `baseline_defaults`."""
    return _row(params, ("baseline_defaults", "baselines"), name, where)


def _row(
    params: Mapping[str, Any], sections: tuple[str, str], name: str, where: str
) -> tuple[dict[str, Any], str]:
    defaults, rows = (params.get(section, {}) for section in sections)
    for section, value in zip(sections, (defaults, rows), strict=True):
        if not isinstance(value, Mapping):
            raise InputError(f"{where}: {section}: expected a mapping, found {value!r:.60}")
    section = sections[1]
    if name not in rows:
        raise InputError(f"{where}: {section}: no {name!r}; {suggest(name, rows)}")
    path, row = f"{where}: {section}.{name}", rows[name]
    if not isinstance(row, Mapping):
        raise InputError(f"{path}: expected a mapping of parameters, found {row!r:.60}")
    return merged(defaults, row), path


def trained_row(params: Mapping[str, Any], name: str, where: str) -> tuple[dict[str, Any], str]:
    """As `run_row`, of a run or of a baseline."""
    baselines = params.get("baselines", {})
    is_baseline = isinstance(baselines, Mapping) and name in baselines
    return (baseline_row if is_baseline else run_row)(params, name, where)


def run_rows(params: Mapping[str, Any], where: str) -> dict[str, dict[str, Any]]:
    """The complete row of every run and baseline; raises `InputError` as `run_row` does."""
    rows: dict[str, dict[str, Any]] = {}
    for section, row in (("runs", run_row), ("baselines", baseline_row)):
        names = params.get(section, {})
        if not isinstance(names, Mapping):
            raise InputError(f"{where}: {section}: expected a mapping, found {names!r:.60}")
        rows |= {name: row(params, name, where)[0] for name in names}
    return rows


def merged(defaults: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """`defaults` overridden by `row`; mappings that both have are merged key by key."""
    result = dict(defaults)
    for key, value in row.items():
        inherited = defaults.get(key)
        if isinstance(inherited, Mapping) and isinstance(value, Mapping):
            value = merged(inherited, value)
        result[key] = value
    return result
