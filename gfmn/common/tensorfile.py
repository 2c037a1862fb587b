"""Tensors with JSON metadata in a safetensors file: the same bytes for the same content.

The file also has the sha256 of its content, and a damaged file is refused when it is read.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from gfmn.common.errors import InputError
from gfmn.common.files import replacing

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
    try:
        with safetensors.safe_open(path, "pt") as file:
            entries = file.metadata() or {}
    except FileNotFoundError:
        raise InputError(f"{path}: expected a file of format {expected!r}, found no file") from None
    except (safetensors.SafetensorError, OSError) as error:
        raise _not_safetensors(path, error) from None
    try:
        metadata, _ = description(entries)
        found = metadata["format"]
    except (KeyError, TypeError, ValueError):
        found = None
    if found != expected:
        other = f"format {found!r}" if found else "no format"
        raise InputError(f"{path}: expected format {expected!r}, found {other}")
    return metadata


def read(path: str | Path) -> dict[str, Tensor]:
    """All tensors of a file, in memory.

    Raises `InputError` for a damaged file, and `OSError` for one that cannot be read.
    """
    data = Path(path).read_bytes()  # a bad sector raises here; in a memory map it is a signal
    try:
        tensors = safetensors.torch.load(data)
        metadata, expected = description(header(data)["__metadata__"])
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
        raise _not_safetensors(path, error) from None
    found = _digest(tensors, metadata)
    if found != expected:
        digests = f"expected contents of sha256 {expected!s:.12}, found {found:.12}"
        raise InputError(f"{path}: {digests}: the file is damaged, or of an earlier version")
    return tensors


def part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, under the rest of their names."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def header(data: bytes) -> Any:
    """The header of a safetensors file; `ValueError` if it is not JSON."""
    return json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])


def description(entries: Mapping[str, str]) -> tuple[dict[str, Any], str | None]:
    """A file's metadata and digest, from the entries that safetensors calls metadata.

    Raises `KeyError`, `TypeError` or `ValueError` for a file that `write` did not write.
    """
    metadata = dict(json.loads(entries[KEY]))
    return metadata, metadata.pop(DIGEST, None)


def _digest(tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> str:
    """SHA-256 of a file's content: metadata, and the tensors' names, dtypes, shapes and bytes."""
    ordered = sorted(tensors.items())
    heads = [[key, str(value.dtype), list(value.shape)] for key, value in ordered]
    digest = hashlib.sha256(json.dumps([metadata, heads], sort_keys=True).encode())
    for _, value in ordered:
        digest.update(value.detach().cpu().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _not_safetensors(path: str | Path, error: Exception) -> InputError:
    reason = " ".join(str(error).split())
    expected = "expected a whole safetensors file"
    return InputError(f"{path}: {expected}, found a truncated or other one ({reason})")
