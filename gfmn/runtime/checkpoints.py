"""A run's state in a scratch folder: written atomically, verified before use, the last few kept."""

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import Tensor

from gfmn.common import tensorfile
from gfmn.common.errors import InputError

FORMAT = "checkpoint-1"
PREFIX = "tensor/"  # of names in the file: safetensors keeps `__metadata__` for itself
NAME = re.compile(r"step-([0-9]+)\.safetensors")


def fingerprint(facts: Mapping[str, Any]) -> str:
    """SHA-256 of the facts as canonical JSON: the order of keys does not count, values do."""
    text = json.dumps(_plain(facts), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def code_digest() -> str:
    """SHA-256 over the source of every module of this package that is in use."""
    digest = hashlib.sha256()
    for name, module in sorted(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if path and name.split(".")[0] == __name__.split(".")[0]:
            digest.update(Path(path).read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Checkpoint:
    """What one verified file holds; tensors are on the CPU."""

    path: Path
    step: int
    tensors: dict[str, Tensor]
    metadata: dict[str, Any]


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


class Checkpoints:
    """The checkpoints of one run with one fingerprint, in `folder`; one process at a time.

    The folder is made when first written. What a killed process left half-written is removed here.
    A disk error is one line through `warn` and never ends the run.
    """

    def __init__(
        self,
        root: Path,
        name: str,
        fingerprint: str,
        keep: int = 2,
        warn: Callable[[str], None] = _to_stderr,
    ) -> None:
        if keep < 1:
            raise InputError(f"checkpoints of {name}: expected keep to be at least 1, found {keep}")
        self.folder = root / f"{name}-{fingerprint[:16]}"
        self.fingerprint, self.keep = fingerprint, keep
        self._warned = False
        self._warn = lambda line: warn(" ".join(line.split()))
        for leftover in self.folder.glob(".*step-*"):
            with contextlib.suppress(OSError):
                leftover.unlink()

    def save(self, step: int, tensors: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> bool:
        """Write a checkpoint, then remove the older ones beyond `keep`; whether it was written.

        Takes what safetensors and JSON can hold; anything else raises. A full or read-only disk
        does not: the checkpoints before stay, and no temporary file does.
        """
        # Copies: safetensors takes no strided tensors and none that share memory.
        copies = {
            key: value.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
            for key, value in tensors.items()
        }
        description = {
            "format": FORMAT,
            "fingerprint": self.fingerprint,
            "step": step,
            "metadata": _plain(metadata),
        }
        path = self.folder / f"step-{step:09d}.safetensors"
        partial = self.folder / f".{path.name}"
        try:
            tensorfile.write(partial, {PREFIX + k: v for k, v in copies.items()}, description)
            _sync(partial)  # before it has the name of a finished file
            partial.replace(path)
            _sync(self.folder)  # the name, before older files go
            _sync(self.folder.parent)
        except OSError as error:
            self.warn_of_disk(path, error)
            return False
        finally:
            with contextlib.suppress(OSError):
                partial.unlink(missing_ok=True)
        self._prune(step)
        return True

    def warn_of_disk(self, path: Path, error: OSError) -> None:
        """One line for all that could not be written."""
        if not self._warned:
            found = error.strerror or error
            self._warn(f"{path}: expected room for checkpoints, found {found}; the run continues")
        self._warned = True

    def latest(self, at_most: int | None = None) -> Checkpoint | None:
        """The newest usable checkpoint whose step is at most `at_most`, or none.

        A file that is damaged, foreign or of another fingerprint is refused: it is renamed with
        the suffix `.damaged`, and the one before is tried.
        """
        for step, path in self._files():
            if at_most is not None and step > at_most:
                continue
            try:
                return self._read(path, step)
            except OSError as error:  # no proof of damage, so it keeps its name
                self._warn(f"{path}: expected a readable file, found {error}; not used")
            except (InputError, safetensors.SafetensorError) as error:
                refused = path.with_name(f"{path.name}.damaged")
                self._warn(f"{error}; not used, to be kept as {refused.name}")
                with contextlib.suppress(OSError):
                    path.replace(refused)
        return None

    def remove(self) -> None:
        """Remove the folder and all in it."""
        try:
            shutil.rmtree(self.folder)
        except FileNotFoundError:
            pass
        except OSError as error:
            self._warn(f"{self.folder}: expected to remove the checkpoints, found {error}")

    def _files(self) -> list[tuple[int, Path]]:
        """Steps and files by name alone, newest first."""
        names = ((NAME.fullmatch(path.name), path) for path in self.folder.glob("step-*"))
        return sorted(((int(name[1]), path) for name, path in names if name), reverse=True)

    def _prune(self, step: int) -> None:
        # Later ones, of a run that once went further, are not older: they neither count nor go.
        older = [path for found, path in self._files() if found <= step]
        for path in older[self.keep :]:
            try:
                path.unlink()
            except OSError as error:
                self._warn(f"{path}: expected to remove an old checkpoint, found {error}")

    def _read(self, path: Path, step: int) -> Checkpoint:
        description = tensorfile.read_metadata(path, FORMAT)
        # Verified first: with that right, any other difference is no damage.
        tensors = tensorfile.part(tensorfile.read(path), PREFIX)
        checks = (
            ("fingerprint", self.fingerprint, description.get("fingerprint")),
            ("step", step, description.get("step")),
        )
        for key, expected, found in checks:
            if found != expected:
                raise InputError(f"{path}: expected {key} {expected!r}, found {found!r}")
        return Checkpoint(path, step, tensors, description["metadata"])


def _plain(value: Mapping[str, Any]) -> Any:
    """What JSON gives back: tuples as lists, keys as strings. It then has one canonical text."""
    return json.loads(json.dumps(dict(value)))


def _sync(path: Path) -> None:
    """Wait until a file's bytes or a folder's names are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some network file systems sync no folders; that is not a failed write.
        if not (path.is_dir() and error.errno in (errno.EINVAL, errno.ENOTSUP)):
            raise
    finally:
        os.close(handle)
