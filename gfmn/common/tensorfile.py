"""Tensors and what they are in one safetensors file: the same bytes for the same content.

The file also holds the sha256 of all that it says: a damaged one is refused when its tensors are
read.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from gfmn.common.errors import InputError

KEY = "gfmn"  # one metadata key: several would be written in random order
DIGEST = "sha256"  # within it, beside the description


def write(path: str | Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write tensors and a JSON description (with its `format`), whole or not at all."""
    path = Path(path)
    about = json.loads(json.dumps(about))  # as it will be read: tuples as lists, keys as strings
    text = json.dumps({**about, DIGEST: _digest(tensors, about)}, sort_keys=True)
    data = safetensors.torch.save(dict(tensors), {KEY: text})
    path.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder, so that the replacement is atomic.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_about(path: str | Path, expected: str) -> dict[str, Any]:
    """The description of a file whose `format` is `expected`; reads no tensor.

    Raises `InputError` for a file that is missing, truncated, not safetensors or of another
    format.
    """
    try:
        with safetensors.safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
    except FileNotFoundError:
        raise InputError(f"{path}: expected a file of format {expected!r}, found no file") from None
    except (safetensors.SafetensorError, OSError) as error:
        raise _not_whole(path, error) from None
    try:
        about, _ = description(metadata)
        found = about["format"]
    except (KeyError, TypeError, ValueError):
        found = None
    if found != expected:
        said = f"format {found!r}" if found else "none that it names"
        raise InputError(f"{path}: expected format {expected!r}, found {said}")
    return about


def read(path: str | Path) -> dict[str, Tensor]:
    """All tensors of a file, none of which shares its memory.

    Raises `InputError` for a file that does not hold what was written, and `OSError` for one that
    cannot be read.
    """
    data = Path(path).read_bytes()  # a bad sector is an error here; in a memory map it kills
    try:
        tensors = safetensors.torch.load(data)
        about, expected = description(header(data)["__metadata__"])
    except (safetensors.SafetensorError, KeyError, TypeError, ValueError) as error:
        raise _not_whole(path, error) from None
    found = _digest(tensors, about)
    if found != expected:
        said = f"expected contents of sha256 {expected!s:.12}, found {found:.12}"
        raise InputError(f"{path}: {said}: the file is damaged, or of an earlier version")
    return tensors


def part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, under the rest of their names."""
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def header(data: bytes) -> Any:
    """What a safetensors file begins with; `ValueError` where that is no JSON."""
    return json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])


def description(metadata: Mapping[str, str]) -> tuple[dict[str, Any], str | None]:
    """A file's description and digest, from the metadata in its header.

    Raises `KeyError`, `TypeError` or `ValueError` for a file that is none of ours.
    """
    about = dict(json.loads(metadata[KEY]))
    return about, about.pop(DIGEST, None)


def _digest(tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> str:
    """SHA-256 of all that a file says: description, names, dtypes, shapes and bytes."""
    ordered = sorted(tensors.items())
    heads = [[key, str(value.dtype), list(value.shape)] for key, value in ordered]
    digest = hashlib.sha256(json.dumps([about, heads], sort_keys=True).encode())
    for _, value in ordered:
        digest.update(value.detach().cpu().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _not_whole(path: str | Path, error: Exception) -> InputError:
    reason = " ".join(str(error).split())
    expected = "expected a whole safetensors file"
    return InputError(f"{path}: {expected}, found a truncated or other one ({reason})")
