"""Files of scores as plain data: what `gfmn.metrics.score_file` writes."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pandas as pd

from gfmn.common import json_reader, parquet_files
from gfmn.common.errors import InputError
from gfmn.common.regular_files import one_line

KEY = b"gfmn"  # of the facts, JSON, in the schema's metadata
COLUMNS = {  # of a file of scores
    **{"seed": "Int64", "score": "string", "value": "float64", "deviation": "float64"},
    **{"over": "string", "kind": "string", "count": "Int64", "title": "string"},
    **{"direction": "string", "decimals": "Int64", "main": "bool", "order": "int64"},
}
SNAPSHOTS = {  # of a file of snapshots
    **{"seed": "int64", "step": "int64", "loss": "float64", "distance": "float64"},
    "count": "int64",
}


def read_frame(path: Path, dtypes: dict[str, str]) -> dict[str, Any]:
    """The facts of a file with `seeds`, and these columns of its table as `rows`.

    Raises `InputError` for a file that is no parquet, or of other columns, values or metadata.
    """
    rows, facts = read_table(path, dtypes)
    try:
        frame = pd.DataFrame(rows, columns=list(dtypes)).astype(dtypes)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: expected scores, found {one_line(error):.120}") from None
    for key in ("value", "loss", "distance"):
        if key in frame and not frame[key].abs().lt(float("inf")).all():
            raise InputError(f"{path}: expected finite numbers in {key!r}, found another")
    return {**facts, "rows": frame.rename(columns={"deviation": "std"})}


def read_table(path: Path, columns: Collection[str]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The rows of a table that has these columns, and its facts with `seeds`; raises as above."""
    table = parquet_files.read_table(path, str(path))
    facts = _facts(path, table.schema.metadata or {})
    for column in columns:
        if column not in table.column_names:
            names = ", ".join(table.column_names)
            raise InputError(f"{path}: expected a column {column!r}, found {names}")
    return table.to_pylist(), facts


def _facts(path: Path, metadata: dict[bytes, bytes]) -> dict[str, Any]:
    try:
        facts = json_reader.loads(metadata[KEY])
        seeds = [dict(seed) for seed in facts["seeds"]]
        if all("seed" in seed for seed in seeds):
            return {**facts, "seeds": seeds}
    except (KeyError, TypeError, ValueError):
        pass
    raise InputError(f"{path}: expected a record of seeds in the metadata, found none")
