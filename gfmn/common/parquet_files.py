"""Parquet files that anyone may have written: opened, and read whole where they are small."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gfmn.common.errors import InputError
from gfmn.common.regular_files import check_regular, foreign_format, one_line

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

BUFFER = 1 << 20  # bytes read at a time: a column of a row group need not fit in memory
LARGEST = 512 << 20  # bytes of a table that is read whole, once it is unpacked
ROWS = 10_000_000  # of one: rows that are all alike take next to no bytes
MAGIC = b"PAR1"


@contextmanager
def opened(source: Path | bytes, where: str) -> Iterator["pq.ParquetFile"]:
    """A file, to be read in parts; `where` begins the `InputError` of a damaged or another one."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    start = b""
    try:
        if isinstance(source, bytes):
            start = source[:64]
        else:
            check_regular(source)
            with source.open("rb") as file:
                start = file.read(64)
        if not start.startswith(MAGIC):
            raise ValueError("another file")
        stream = io.BytesIO(source) if isinstance(source, bytes) else source
        with pq.ParquetFile(stream, pre_buffer=False, buffer_size=BUFFER) as parquet:
            yield parquet
    except InputError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        found = foreign_format(start) if start[:1] != b"P" else None
        found = found or f"another or a broken file ({one_line(error):.80})"
        raise InputError(f"{where}: expected parquet, found {found}") from None


def read_table(source: Path | bytes, where: str) -> "pa.Table":
    """A whole table of at most `LARGEST` bytes and `ROWS`; raises as `opened` does."""
    with opened(source, where) as file:
        metadata = file.metadata
        groups = (metadata.row_group(i) for i in range(metadata.num_row_groups))
        size, rows = sum(group.total_byte_size for group in groups), metadata.num_rows
        if not (0 <= size <= LARGEST and 0 <= rows <= ROWS):
            expected = f"at most {ROWS:,} rows and {LARGEST:,} bytes"
            raise InputError(f"{where}: expected {expected}, found {rows:,} and {size:,}")
        return file.read()
