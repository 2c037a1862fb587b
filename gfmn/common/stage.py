"""What every stage script shares: its parameters, its one-line errors, its duration."""

import inspect
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from gfmn.common import parameters, runs
from gfmn.common.config import suggest
from gfmn.common.errors import InputError, Stopped
from gfmn.common.files import DISK, disk_error, replacing
from gfmn.common.locks import exclusive, locked
from gfmn.common.signals import stopping

PARAMS = Path("params.yaml")
NAME = re.compile(r"[a-z0-9_-]+")  # of what a section lists, as DVC and a shell take it
TEMPORARY = "temporary-"  # begins the names of folders that go when a stage ends
ROOTS = (".", "..", "../..", "installed")  # from a study's folder to the code


def read_params(path: Path = PARAMS) -> dict[str, Any]:
    """The whole parameter file of the study in this folder."""
    params = parameters.read(path)
    check_root(params.get("root", "."), str(path))
    return params


def check_root(root: Any, where: str) -> None:
    """Refuse a `root` that leads anywhere else than to the code: it is part of every command."""
    if root not in ROOTS:
        raise InputError(f"{where}: root: expected one of {', '.join(ROOTS)}, found {root!r}")


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


def optional_section(key: str) -> tuple[Any, str]:
    """A section that a study may leave out, empty where it does, and its path for errors."""
    return read_params().get(key, {}), f"{PARAMS}: {key}"


def run_parameters(name: str, section: str = "runs") -> tuple[dict[str, Any], str]:
    """The complete parameters of a run or a baseline, and its row's path for errors."""
    return runs.run_row(read_params(), name, str(PARAMS), section)


def run(stage: Callable[..., None], locks: bool = True) -> None:
    """Call a stage with the command line's words: none, or the name of the entry to build.

    Bad input and a full disk end as one line and exit code 1, a signal as one line and exit code
    128 + n: DVC then caches nothing. `locks`: the same stage may not run twice at once in a study.
    """
    title = Path(sys.argv[0]).stem.replace("_", "-")
    try:
        names = _names(stage, sys.argv)
        title = " ".join((title, *names))
        with ExitStack() as stack:
            if "RANK" not in os.environ:  # of several processes, which have handlers of their own
                stack.enter_context(stopping(title))
            if locks:
                stack.enter_context(locked(title.replace(" ", "-")))
            stage(*names)
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.errno not in DISK:
            raise
        sys.exit(f"error: {title}: {disk_error(error)}")
    except Stopped as stopped:
        if os.environ.get("RANK", "0") == "0":  # of several processes one speaks
            print(stopped, file=sys.stderr)
        sys.exit(128 + stopped.number)


def _names(stage: Callable[..., None], command: Sequence[str]) -> Sequence[str]:
    """The command's words after the script, as many as the stage takes, each a plain name.

    DVC's address of a stage, `study/dvc.yaml:train@name`, stands for its name: dvc.yaml has that
    from the environment, where a shell does not read it as a command.
    """
    script, *names = command
    count = len(inspect.signature(stage).parameters)
    if len(names) != count:
        expected = "no name" if count == 0 else "the name of one entry"
        raise InputError(f"{Path(script).name}: expected {expected}, found {names}")
    begin = Path(script).stem.replace("_", "-") + "@"
    found = [
        word.removeprefix(begin) if word.startswith(begin) else word.rpartition(f":{begin}")[2]
        for word in names
    ]
    for name in found:
        if not NAME.fullmatch(name):
            expected = "a name of a-z, 0-9, _ and -"
            raise InputError(f"{Path(script).name}: expected {expected}, found {name!r}")
    return found


@contextmanager
def temporary_folder(parent: Path) -> Iterator[Path]:
    """A folder in `parent`, removed at the end; the system's own may lie in memory.

    Those that killed processes left in `parent` are removed first. One that is in use is locked.
    """
    parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        with locked("temporary", parent):  # none is swept before it has its lock
            for left in parent.glob(f"{TEMPORARY}*"):
                with suppress(OSError), _locked_folder(left) as free:
                    if free:
                        shutil.rmtree(left, ignore_errors=True)
            name = tempfile.TemporaryDirectory(dir=parent, prefix=TEMPORARY)
            folder = Path(stack.enter_context(name))
            with suppress(OSError):
                stack.enter_context(_locked_folder(folder))
        yield folder


@contextmanager
def _locked_folder(path: Path) -> Iterator[bool]:
    """Whether this process has the folder's lock; `OSError` where there are none."""
    handle = os.open(path, os.O_RDONLY)
    try:
        yield exclusive(handle)
    finally:
        os.close(handle)


def write_json(path: Path, data: Any) -> None:
    """JSON with sorted keys, the same bytes for the same data."""
    write_text(path, json.dumps(data, indent=2, sort_keys=True) + "\n")


def write_text(path: Path, text: str) -> None:
    """A text file, its folder made where it is missing; atomically."""
    with replacing(path) as partial:
        partial.write_text(text)


class Stopwatch:
    """A stage's duration, from here on, in a file of its own.

    Kept apart from every other output: those are the same bytes on every run, a duration is not.
    """

    def __init__(self) -> None:
        self.start = time.perf_counter()

    def write(self, path: Path, **facts: Any) -> None:
        seconds = round(time.perf_counter() - self.start, 2)
        write_json(path, {"seconds": seconds, "cpus": os.cpu_count(), **facts})
