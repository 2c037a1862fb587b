"""Tensors with JSON metadata in a safetensors file: the same bytes for the same content.

The file also has the sha256 of its content, and a damaged file is refused when it is read.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from gfmn.common import json_reader
from gfmn.common.errors import InputError
from gfmn.common.files import replacing
from gfmn.common.regular_files import (
    check_regular,
    foreign_file,
    foreign_format,
    one_line,
    read_bytes,
)

KEY = "gfmn"  # the only key of the header's metadata: several are written in random order
DIGEST = "sha256"  # key within it


def write(path: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write tensors and JSON metadata (with a `format`) atomically."""
    metadata = json.loads(json.dumps(metadata))  # as it is read: tuples are lists, keys strings
    text = json.dumps({**metadata, DIGEST: _digest(tensors, metadata)}, sort_keys=True)
    data = safetensors.torch.save(dict(tensors), {KEY: text})
    with replacing(Path(path)) as partial:
        partial.write_bytes(data)


def read_metadata(path: str | Path, expected: str) -> dict[str, Any]:
    """The metadata of a file whose `format` is `expected`; reads no tensor.

    Raises `InputError` for a file that is missing, truncated, not safetensors or of another
    format.
    """
    with _opened(path, f"a file of format {expected!r}") as file:
        entries = file.metadata() or {}
    try:
        metadata, _ = description(entries)
        found = metadata["format"]
    except (KeyError, TypeError, ValueError):
        found = None
    if found != expected:
        other = f"format {found!r}" if found else "no format"
        raise InputError(f"{path}: expected format {expected!r}, found {other}")
    return metadata


def read_shapes(path: str | Path, expected: str) -> dict[str, tuple[int, ...]]:
    """The shapes of the tensors of any safetensors file, by name; reads no tensor.

    Raises `InputError`, which says what was `expected` where there is no file, for any other one.
    """
    with _opened(path, expected) as file:
        return {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}  # noqa: SIM118


@contextmanager
def _opened(path: str | Path, expected: str) -> Iterator[Any]:
    try:
        check_regular(path)
        with safetensors.safe_open(path, "pt") as file:
            yield file
    except FileNotFoundError:
        raise InputError(f"{path}: expected {expected}, found no file") from None
    except (safetensors.SafetensorError, OSError) as error:
        raise _not_safetensors(path, error, foreign_file(path)) from None


def read(path: str | Path) -> dict[str, Tensor]:
    """All tensors of a file, in memory.

    Raises `InputError` for a damaged file, and `OSError` for one that cannot be read.
    """
    data = read_bytes(path)  # a bad sector raises here; in a memory map it is a signal
    tensors = parse(data, str(path))
    try:
        metadata, expected = description(header(data)["__metadata__"])
        found = _digest(tensors, metadata)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise _not_safetensors(path, error) from None
    if found != expected:
        digests = f"expected contents of sha256 {expected!s:.12}, found {found:.12}"
        raise InputError(f"{path}: {digests}: the file is damaged, or of an earlier version")
    return tensors


def parse(data: bytes, name: str) -> dict[str, Tensor]:
    """The tensors of any safetensors file, from its bytes; `name` begins the `InputError`."""
    try:
        return dict(safetensors.torch.load(data))
    except Exception as error:  # a damaged file raises almost anything
        raise _not_safetensors(name, error, foreign_format(data)) from None


def part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, under the rest of their names."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def check_numbers(
    tensors: Mapping[str, Tensor], where: str | Path, least: float | None = None
) -> None:
    """Raise `InputError` for a tensor that is no float or has NaN, infinity or less than `least`.

    `where` is the file and begins the error, which names the tensor.
    """
    for key, value in tensors.items():
        if not value.is_floating_point():
            found = str(value.dtype).removeprefix("torch.")
            raise InputError(f"{where}: {key!r}: expected floating-point numbers, found {found}")
        if count := int(value.numel() - torch.isfinite(value).sum()):
            found = f"NaN or infinity {count} times"
            raise InputError(f"{where}: {key!r}: expected finite numbers, found {found}")
        if least is not None and value.numel() and value.min() < least:
            found = f"{float(value.min()):.6g}"
            raise InputError(f"{where}: {key!r}: expected {least:g} or more, found {found}")


def header(data: bytes) -> Any:
    """The header of a safetensors file; `ValueError` if it is not JSON."""
    return json_reader.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])


def description(entries: Mapping[str, str]) -> tuple[dict[str, Any], str | None]:
    """A file's metadata and digest, from the entries that safetensors calls metadata.

    Raises `KeyError`, `TypeError` or `ValueError` for a file that `write` did not write.
    """
    metadata = dict(json_reader.loads(entries[KEY]))
    return metadata, metadata.pop(DIGEST, None)


def _digest(tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> str:
    """SHA-256 of a file's content: metadata, and the tensors' names, dtypes, shapes and bytes."""
    ordered = sorted(tensors.items())
    heads = [[key, str(value.dtype), list(value.shape)] for key, value in ordered]
    digest = hashlib.sha256(json.dumps([metadata, heads], sort_keys=True).encode())
    for _, value in ordered:
        digest.update(value.detach().cpu().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _not_safetensors(path: str | Path, error: Exception, found: str | None = None) -> InputError:
    found = found or f"a truncated or other one ({one_line(error)})"
    return InputError(f"{path}: expected a whole safetensors file, found {found}")
