"""From a file's bytes to tensors by name, whatever the container; nothing in it is run."""

import io
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from gfmn.common import tensorfile
from gfmn.common.errors import InputError
from gfmn.networks.extractor_file import FORMAT, Header, NetworkHeader

State = dict[str, Tensor]
# Under which a training script puts the weights beside its other facts.
WRAPPERS = ("state_dict", "model_state_dict", "model", "net")


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
        raise InputError(
            f"{name}: expected a pickle of numpy arrays, found: {_reason(error)}"
        ) from None
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


def _reason(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]


def read_state_dict(data: bytes, name: str) -> State:
    """A torch checkpoint or safetensors file: a mapping of names to tensors.

    A checkpoint, zip or legacy, is read with `weights_only`. `name` begins every error, an
    `InputError`: anything else in the file, a truncated file.
    """
    if is_safetensors(data):
        try:
            return safetensors.torch.load(data)
        except Exception as error:  # likewise
            raise InputError(
                f"{name}: expected a whole safetensors file, found: {_reason(error)}"
            ) from None
    try:
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except Exception as error:  # likewise
        hint = "; `python -m gfmn.weights import` reads a whole pickled module" * (
            "weights_only" in str(error) or "WeightsUnpickler" in str(error)
        )
        raise InputError(
            f"{name}: expected a torch state dict, found: {_reason(error)}{hint}"
        ) from None
    state = unwrapped(state)
    if not _is_state(state):
        raise InputError(f"{name}: expected a state dict of tensors, found {type(state).__name__}")
    return dict(state)


def unwrapped(state: Any) -> Any:
    """The state dict inside a training script's mapping, and without DataParallel's prefix."""
    if isinstance(state, Mapping) and not _is_state(state):
        state = next((state[key] for key in WRAPPERS if _is_state(state.get(key))), state)
    while _is_state(state) and all(key.startswith("module.") for key in state):
        state = {key.removeprefix("module."): value for key, value in state.items()}
    return state


def _is_state(state: object) -> bool:
    return (
        isinstance(state, Mapping)
        and len(state) > 0
        and all(isinstance(k, str) and isinstance(v, Tensor) for k, v in state.items())
    )


def is_safetensors(data: bytes) -> bool:
    """Whether the bytes begin as a safetensors file's: a length, then a JSON object."""
    return data[8:9] == b"{" and int.from_bytes(data[:8], "little") < 1 << 32


def is_torch_file(data: bytes) -> bool:
    """Whether the bytes begin as those of `torch.save`: a zip archive, or the legacy number."""
    return data[:4] == b"PK\x03\x04" or data[2:16].startswith(b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19")


def read_extractor(data: bytes, name: str, architecture: str) -> tuple[NetworkHeader, State] | None:
    """The one network of an architecture in a file of our format; None for any other container.

    Raises `InputError` for a file of ours without the network, or with two of them.
    """
    if not is_safetensors(data):
        return None
    try:
        facts, _ = tensorfile.description(tensorfile.header(data)["__metadata__"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None  # another's, or damaged: the next reader says so
    if facts.get("format") != FORMAT:
        return None
    networks = Header.parse(facts, name).networks
    found = [entry for entry in networks if entry.architecture == architecture]
    if len(found) != 1:
        held = ", ".join(entry.architecture for entry in networks) or "none"
        raise InputError(f"{name}: expected one network {architecture!r}, found {held}")
    try:
        found[0].describe()
    except (InputError, TypeError) as error:
        raise InputError(f"{name}: network {found[0].name!r}: {error}") from None
    prefix = f"{found[0].name}/"
    tensors = read_state_dict(data, name)
    return found[0], {
        key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)
    }
