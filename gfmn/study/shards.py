"""Which stages take a data set in shards: prepare and extract-stats, and so the runs on it."""

from collections.abc import Iterator, Mapping
from typing import Any

from gfmn import sources
from gfmn.common.errors import InputError
from gfmn.common.sections import entries

# Where all images of a data set are read as one array: sections, and their rows' parameters.
ARRAYS = {
    "references": ("dataset", "held_out"),
    "evaluations": ("dataset",),
    "baselines": ("dataset",),
}
KINDS = ("trained", "with_batchnorm")  # of extractors, which have a `dataset`


def check_shards(params: Mapping[str, Any], where: str) -> None:
    """Raise `InputError` for a row that needs an array of images and names a data set in shards."""
    sharded = {
        name
        for name, data, path in entries(params, "datasets", where)
        if getattr(sources.parse(data, path), "shards", False)
    }
    for row, keys, path in _rows(params, where):
        for key in keys:
            if row.get(key) in sharded:
                expected = (
                    "expected a data set without shards, which statistics and runs take alone"
                )
                raise InputError(f"{path}.{key}: {expected}, found {row[key]!r}")


def _rows(
    params: Mapping[str, Any], where: str
) -> Iterator[tuple[Mapping[str, Any], tuple[str, ...], str]]:
    for section, keys in ARRAYS.items():
        for _, row, path in entries(params, section, where):
            yield row, keys, path
    for kind in KINDS:
        for _, row, path in entries(
            params.get("extractors", {}), kind, f"{where}: extractors", "."
        ):
            yield row, ("dataset",), path
