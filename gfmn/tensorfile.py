"""Tensors and what they are in one safetensors file: the same bytes for the same content."""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor

from gfmn.errors import InputError

KEY = "gfmn"  # one metadata key: several would be written in random order


def write(path: str | Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> None:
    """Write tensors and a JSON description (with its `format`), whole or not at all."""
    path = Path(path)
    data = safetensors.torch.save(dict(tensors), {KEY: json.dumps(about, sort_keys=True)})
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
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path}: expected a whole safetensors file, found a truncated or other one ({reason})"
        ) from None
    try:
        about = json.loads(metadata[KEY])
        found = about["format"]
    except (KeyError, TypeError, ValueError):
        found = None
    if found != expected:
        said = f"format {found!r}" if found else "none that it names"
        raise InputError(f"{path}: expected format {expected!r}, found {said}")
    return dict(about)


def read(path: str | Path, prefix: str = "") -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, under the rest of their names."""
    with safetensors.safe_open(path, "pt") as file:
        keys = [key for key in file.keys() if key.startswith(prefix)]  # noqa: SIM118
        return {key.removeprefix(prefix): file.get_tensor(key) for key in keys}
