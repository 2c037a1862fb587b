"""`parquet`: images as bytes in one or many files, in the layout of the Hugging Face hub."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from gfmn.common import json_reader
from gfmn.common.errors import InputError
from gfmn.common.parquet_files import opened
from gfmn.sources.base import SOURCES, Item, Items
from gfmn.sources.decode import BrokenImageError
from gfmn.sources.sharded import ShardedSource

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 64  # read at a time
LABELS = ("label", "labels", "fine_label")


@SOURCES.register("parquet")
class Parquet(ShardedSource):
    """Images from a column of bytes, or of {bytes, path}; integer labels from another."""

    # A file, folder or pattern, `{000..012}` for numbers, or a URL of one of these; many files are
    # read in the order of their names.
    path: str
    image: str = "auto"  # column
    label: str | None = "auto"  # column; null: none
    # Every file is prepared as a shard of its own: for data sets that are measured, of any size.
    shards: bool = False

    ENDINGS: ClassVar = (".parquet",)
    KIND: ClassVar = "parquet files"

    def open(self, where: str) -> Items:
        """Every file's columns are checked before the first image is read."""
        files = [Path(file) for file in self.files(where)]
        first: tuple[str, str | None] | None = None
        classes: tuple[str, ...] | None = None
        numbers: list[list[int] | None] = []  # of each file's classes among all
        total = 0
        for path in files:
            with opened(path, f"{where}: {path}") as file:
                schema, rows = file.schema_arrow, file.metadata.num_rows
            columns = _columns(schema, self, path, where)
            names = _class_names(schema, columns[1])
            if first is None:
                first, classes = columns, names
            if columns != first:
                raise InputError(
                    f"{where}: {path}: expected the columns {first[0]} and {first[1]} as in "
                    f"{files[0].name}, found {columns[0]} and {columns[1]}"
                )
            if (names is None) != (classes is None):
                expected, found = ("", "no ") if names is None else ("no ", "")
                raise InputError(
                    f"{where}: {path}: expected {expected}names of classes as in "
                    f"{files[0].name}, found {found}names"
                )
            if names is not None and classes is not None:
                classes += tuple(name for name in names if name not in classes)
                numbers.append([classes.index(name) for name in names])
            else:
                numbers.append(None)
            total += rows
        if first is None or not total:
            raise InputError(f"{where}.path: {self.path}: expected images, found 0 rows")
        items = _items(files, numbers, *first, where)
        return self.named(Items(items, total, classes), where)


def _items(
    files: list[Path],
    numbers: list[list[int] | None],
    image: str,
    label: str | None,
    where: str,
) -> Iterator[Item]:
    for path, classes in zip(files, numbers, strict=True):
        row = 0
        with opened(path, f"{where}: {path}") as file:
            kind = file.schema_arrow.field(image).type
            columns = [f"{image}.bytes" if _holds_bytes(kind) else image]
            columns += [label] if label else []
            for batch in file.iter_batches(ROWS, columns=columns):
                images = batch.column(image)
                if _holds_bytes(kind):
                    (images,) = images.flatten()
                labels = batch.column(label).to_pylist() if label else [None] * len(batch)
                for raw, number in zip(images.to_pylist(), labels, strict=True):
                    name = f"{path.name}: row {row}"
                    if label and number is None:
                        raise InputError(
                            f"{where}.label: {name}: expected an integer in {label!r}, found null"
                        )
                    if classes is not None and number is not None:
                        if not 0 <= number < len(classes):
                            expected = f"expected labels from 0 to {len(classes) - 1}"
                            raise InputError(f"{where}.label: {name}: {expected}, found {number}")
                        number = classes[number]
                    yield Item(name, BrokenImageError("null") if raw is None else raw, number)
                    row += 1


def _columns(
    schema: "pa.Schema", config: Parquet, path: Path, where: str
) -> tuple[str, str | None]:
    import pyarrow as pa

    structs = [field.name for field in schema if _holds_bytes(field.type)]
    binary = [*structs, *(field.name for field in schema if _is_binary(field.type))]
    numbers = [field.name for field in schema if pa.types.is_integer(field.type)]
    known = ", ".join(f"{field.name} ({field.type})" for field in schema)
    image, label = config.image, config.label
    if image == "auto":
        usual = [name for name in binary if name in ("image", "img")]
        one = [found[0] for found in (structs, usual, binary) if len(found) == 1]
        if not one:
            wanted = "expected one column of bytes or of {bytes, path}, or its name here"
            raise InputError(f"{where}.image: {path}: {wanted}, found {known}")
        image = one[0]
    elif image not in binary:
        wanted = f"expected the column {image!r} of bytes or of {{bytes, path}}"
        raise InputError(f"{where}.image: {path}: {wanted}, found {known}")
    if label == "auto":
        label = next((name for name in LABELS if name in numbers), None)
        others = [name for name in LABELS if name in schema.names]
        if label is None and others:
            wanted = f"expected integers in the column {others[0]!r}, or null here"
            raise InputError(f"{where}.label: {path}: {wanted}, found {known}")
    elif label is not None and label not in numbers:
        wanted = f"expected the column {label!r} of integers"
        raise InputError(f"{where}.label: {path}: {wanted}, found {known}")
    for name in (image, label):
        if name is not None and schema.names.count(name) > 1:
            raise InputError(f"{where}: {path}: expected the column {name!r} once, found {known}")
    return image, label


def _holds_bytes(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    if not pa.types.is_struct(kind):
        return False
    index = kind.get_field_index("bytes")
    return index >= 0 and _is_binary(kind.field(index).type)


def _is_binary(kind: "pa.DataType") -> bool:
    import pyarrow as pa

    tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view)
    return any(test(kind) for test in tests)


def _class_names(schema: "pa.Schema", label: str | None) -> tuple[str, ...] | None:
    try:
        metadata: Any = json_reader.loads((schema.metadata or {})[b"huggingface"])
        names = metadata["info"]["features"][label]["names"]
    except (KeyError, TypeError, ValueError):
        return None  # files from elsewhere have no such metadata
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return tuple(names)
    return None
