"""Where weights come from: a pinned member of a pinned package, verified and read safely."""

import hashlib
import io
import pickle
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from gfmn.config import Config
from gfmn.errors import InputError

SHA256 = r"^[0-9a-f]{64}$"


class PackageFile(Config):
    """One file inside one package of the Python package index, pinned twice by sha256."""

    package: str = Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$")
    version: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.!+_-]*$")
    kind: Literal["wheel", "sdist"]
    package_sha256: str = Field(pattern=SHA256)  # of the archive
    member: str = Field(min_length=1)  # path inside the archive
    sha256: str = Field(pattern=SHA256)  # of the member
    licence: str
    path: str | None = None  # a local copy of the member, in place of the download

    @property
    def provenance(self) -> dict[str, str]:
        """Every field but `path`: a local copy with the right hash is the same file."""
        return self.model_dump(exclude={"path"})


def fetch(source: PackageFile, where: str) -> tuple[bytes, dict[str, str]]:
    """The member's bytes, verified, and their provenance.

    Reads the local copy at `source.path` where there is one, else asks pip for the package.
    `where` is the parameter that names the source and begins every error, an `InputError`: no
    network, a missing file or member, a hash other than the pinned one.
    """
    if source.path is not None:
        data, name = _read_local(source, where), source.path
    else:
        with tempfile.TemporaryDirectory() as folder:
            archive = _download(source, Path(folder), where)
            data, name = _read_member(archive, source, where), source.member
    _verify(data, source.sha256, f"{where}: {name}")
    return data, source.provenance


def _read_local(source: PackageFile, where: str) -> bytes:
    path = Path(source.path or "")
    try:
        return path.read_bytes()
    except OSError as error:
        wanted = f"{source.member} of {source.package}=={source.version}"
        reason = error.strerror or type(error).__name__
        raise InputError(
            f"{where}.path: {path}: expected a copy of {wanted}, found: {reason}"
        ) from None


def _verify(data: bytes, expected: str, name: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise InputError(f"{name}: expected sha256 {expected}, found {found} ({len(data)} bytes)")


def _download(source: PackageFile, folder: Path, where: str) -> Path:
    requirement = f"{source.package}=={source.version}"
    pinned = folder / "requirements.txt"
    pinned.write_text(f"{requirement} --hash=sha256:{source.package_sha256}\n")
    downloads = folder / "downloads"
    # Of this package alone: with `:all:` pip would also build an sdist's build tools from source.
    only = "--only-binary" if source.kind == "wheel" else "--no-binary"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-color", "--no-input", "--no-deps", only, source.package, "--require-hashes"]
    command += ["--dest", str(downloads), "--requirement", str(pinned)]
    result = subprocess.run(command, capture_output=True, text=True)
    archives = sorted(downloads.glob("*")) if downloads.is_dir() else []
    if result.returncode != 0 or len(archives) != 1:
        reason = _last_error(result.stderr) or f"pip ended with code {result.returncode}"
        raise InputError(
            f"{where}: expected the {source.kind} {requirement} with sha256 "
            f"{source.package_sha256} from pip, found: {reason}; without a network set "
            f"{where.rpartition(': ')[2]}.path to a local copy of {source.member}"
        )
    _verify(archives[0].read_bytes(), source.package_sha256, f"{where}: {archives[0].name}")
    return archives[0]


def _last_error(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    found = [line.split()[-1] for line in lines if line.startswith("Got ")]
    if found:
        return f"sha256 {found[-1]}"
    errors = [line for line in lines if line.startswith("ERROR:")] or lines
    return errors[-1].removeprefix("ERROR:").strip() if errors else ""


def _read_member(archive: Path, source: PackageFile, where: str) -> bytes:
    name = f"{where}: {archive.name}"
    try:
        if source.kind == "wheel":
            with zipfile.ZipFile(archive) as wheel:
                return wheel.read(source.member)
        with tarfile.open(archive) as sdist:
            member = sdist.extractfile(source.member)
            if member is None:
                raise KeyError(source.member)
            return member.read()
    except KeyError:
        raise InputError(f"{name}: expected the member {source.member}, found none") from None
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
        raise InputError(f"{name}: expected a {source.kind}, found: {error}") from None


class _ArrayUnpickler(pickle.Unpickler):
    """Builds containers of numpy arrays and nothing else."""

    ADMITTED = frozenset(
        [("numpy", "ndarray"), ("numpy", "dtype")]
        + [(f"numpy.{core}.multiarray", "_reconstruct") for core in ("core", "_core")]
    )

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.ADMITTED:
            raise _RefusedError(f"{module}.{name}")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


class _RefusedError(Exception):
    pass


def read_pickled_arrays(data: bytes, name: str) -> dict[str, Any]:
    """A pickle of nested dicts of numpy arrays, read without running anything it names.

    `name` begins every error, an `InputError`: any other class or function in the pickle, a
    truncated pickle, anything but dicts with string keys and numeric arrays.
    """
    try:
        tree = _ArrayUnpickler(io.BytesIO(data)).load()
    except _RefusedError as refused:
        raise InputError(
            f"{name}: expected a pickle of numpy arrays, found {refused}, refused"
        ) from None
    except Exception as error:  # an unpickler raises almost anything on a damaged file
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"{name}: expected a pickle of numpy arrays, found: {reason}") from None
    _check_arrays(tree, name, name)
    if not isinstance(tree, dict):
        raise InputError(f"{name}: expected a pickled dict of arrays, found one array")
    return tree


def _check_arrays(tree: object, name: str, path: str) -> None:
    if isinstance(tree, dict) and all(isinstance(key, str) for key in tree):
        for key, value in tree.items():
            _check_arrays(value, name, f"{path}/{key}")
    elif not (isinstance(tree, np.ndarray) and tree.dtype.kind in "fiu"):
        raise InputError(f"{path}: expected a numeric array, found {type(tree).__name__}")


def read_state_dict(data: bytes, name: str) -> Mapping[str, Tensor]:
    """A torch checkpoint that is a plain mapping of names to tensors, read with `weights_only`.

    `name` begins every error, an `InputError`: anything else in the file, a truncated file.
    """
    try:
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # likewise
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise InputError(f"{name}: expected a torch state dict, found: {reason}") from None
    tensors = isinstance(state, Mapping) and all(isinstance(v, Tensor) for v in state.values())
    if not tensors:
        raise InputError(f"{name}: expected a state dict of tensors, found {type(state).__name__}")
    return dict(state)
