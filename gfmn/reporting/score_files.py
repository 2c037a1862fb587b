"""Files of scores as plain data: what `gfmn.metrics.score_file` writes."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from gfmn.common import json_reader, parquet_files
from gfmn.common.errors import InputError

KEY = b"gfmn"  # of the facts, JSON, in the schema's metadata
COLUMNS = {  # of the table -> a score's field in records.Score
    "value": "value",
    "deviation": "std",
    "over": "over",
    "kind": "kind",
    "count": "count",
    "title": "title",
    "direction": "direction",
    "decimals": "decimals",
    "main": "main",
    "order": "order",
}


def read_record(path: Path) -> dict[str, Any]:
    """The facts with each seed's `scores` in `seeds`, as `records.Scores` takes them.

    Raises `InputError` as `read_table` does.
    """
    rows, record = read_table(path, ("seed", "score", *COLUMNS))
    scores: dict[int | None, dict[str, Any]] = {}
    for row in rows:
        fields = {field: row[column] for column, field in COLUMNS.items()}
        scores.setdefault(row["seed"], {})[row["score"]] = fields
    record["seeds"] = [{**seed, "scores": scores.get(seed["seed"], {})} for seed in record["seeds"]]
    return record


def read_table(path: Path, columns: Collection[str]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The rows of a table that has these columns, and its facts with `seeds`.

    Raises `InputError` for a file that is no parquet, or of other columns or metadata.
    """
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
