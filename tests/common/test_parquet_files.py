"""Parquet: the table that pyarrow reads, within bounds that are known before it is read."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from builders.input_errors import line

from gfmn.common import parquet_files
from gfmn.common.parquet_files import read_table

TABLE = pa.table({"a": list(range(1000)), "b": ["x"] * 1000})


def test_table_is_pyarrows_by_path_and_as_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(TABLE, path, row_group_size=300)
    assert read_table(path, "x").equals(TABLE) and read_table(path.read_bytes(), "x").equals(TABLE)


@pytest.mark.parametrize(("bound", "value"), [("ROWS", 999), ("LARGEST", 100)])
def test_table_beyond_a_bound_is_refused_unread(
    bound: str, value: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(TABLE, path)
    monkeypatch.setattr(parquet_files, bound, value)
    message = line(read_table, path, "x")
    assert message.startswith("x: expected at most ") and "found 1,000 and " in message


def test_other_files_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    assert line(read_table, path, "x").startswith("x: expected parquet, found a pointer of Git LFS")
    path.write_bytes(b"PAR1" * 10)
    assert line(read_table, path, "x").startswith("x: expected parquet, found another or a broken")
    os.mkfifo(tmp_path / "pipe")
    assert "expected a file, found a pipe" in line(read_table, tmp_path / "pipe", "x")
