"""What every stage script shares: its parameters, its one-line errors, its duration."""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gfmn.common import parameters
from gfmn.common.config import suggest
from gfmn.common.errors import InputError, Stopped

PARAMS = Path("params.yaml")


def read_params(path: Path = PARAMS) -> dict[str, Any]:
    """The whole parameter file of the study in this folder."""
    return parameters.read(path)


def section(*keys: str, params: Mapping[str, Any] | None = None) -> tuple[Any, str]:
    """The value at a path of keys in the parameter file, and the path's name for errors."""
    value: Any = read_params() if params is None else params
    where = str(PARAMS)
    for key in keys:
        if not isinstance(value, Mapping):
            raise InputError(f"{where}: expected a mapping with {key!r}, found {value!r}")
        if key not in value:
            raise InputError(f"{where}: no {key!r}; {suggest(key, value)}")
        value, where = value[key], f"{where}: {key}" if where == str(PARAMS) else f"{where}.{key}"
    return value, where


def without(row: Any, *keys: str) -> Any:
    """A mapping without some of its keys: those that belong to other stages."""
    return {k: v for k, v in row.items() if k not in keys} if isinstance(row, Mapping) else row


def run(stage: Callable[..., None]) -> None:
    """Call a stage with the command line's words.

    Bad input ends as one line and exit code 1, a signal as one line and exit code 128 + n: DVC
    then caches nothing.
    """
    try:
        stage(*sys.argv[1:])
    except InputError as error:
        sys.exit(f"error: {error}")
    except Stopped as stopped:
        if os.environ.get("RANK", "0") == "0":  # of several processes one speaks
            print(stopped, file=sys.stderr)
        sys.exit(128 + stopped.number)


@contextmanager
def temporary_folder(within: Path) -> Iterator[Path]:
    """A temporary folder, removed at the end; on disk, where a system's own may be memory."""
    within.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=within, prefix="temporary-") as folder:
        yield Path(folder)


def write_json(path: Path, data: Any) -> None:
    """JSON with sorted keys, the same bytes for the same data."""
    write_text(path, json.dumps(data, indent=2, sort_keys=True) + "\n")


def write_text(path: Path, text: str) -> None:
    """A text file, its folder made where it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


class Stopwatch:
    """A stage's duration, from here on, in a file of its own.

    Kept apart from every other output: those are the same bytes on every run, a duration is not.
    """

    def __init__(self) -> None:
        self.start = time.perf_counter()

    def write(self, path: Path, **facts: Any) -> None:
        seconds = round(time.perf_counter() - self.start, 2)
        write_json(path, {"seconds": seconds, "cpus": os.cpu_count(), **facts})
