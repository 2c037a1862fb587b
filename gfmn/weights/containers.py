"""From a file's bytes to tensors by name, whatever the container; nothing in it is run."""

import io
from typing import Any

import numpy as np
from torch import Tensor

from gfmn.common import tensorfile
from gfmn.common.errors import InputError
from gfmn.common.pickled_arrays import read_arrays
from gfmn.networks.extractor_file import FORMAT, Header, NetworkHeader
from gfmn.weights.checkpoints import read_checkpoint

State = dict[str, Tensor]


def read_state_dict(data: bytes, name: str) -> State:
    """The tensors by name of a safetensors file or of a checkpoint of `torch.save`.

    `name` begins every error, an `InputError`: anything else, a damaged file.
    """
    if not is_safetensors(data):
        return read_checkpoint(data, name).state
    return tensorfile.parse(data, name)


def read_pickled_arrays(data: bytes, name: str) -> dict[str, Any]:
    """A pickle of nested dicts of numpy arrays, read without running anything it names.

    `name` begins every error, an `InputError`: any other class or function in the pickle, a
    damaged pickle, anything but dicts with string keys and arrays of numbers.
    """
    tree = read_arrays(io.BytesIO(data), name)
    if not isinstance(tree, dict):
        found = type(tree).__name__
        raise InputError(f"{name}: expected a pickled dict of arrays, found one {found}")
    waiting, seen = [(name, tree)], set()
    while waiting:
        path, branch = waiting.pop()
        if id(branch) in seen:  # dicts may hold each other
            continue
        seen.add(id(branch))
        for key, value in branch.items():
            place = f"{path}/{key}"[:200]
            if not isinstance(key, str):
                raise InputError(f"{place}: expected a key of text, found {type(key).__name__}")
            if isinstance(value, dict):
                waiting.append((place, value))
            elif not isinstance(value, np.ndarray):
                found = type(value).__name__
                raise InputError(f"{place}: expected a numeric array, found {found}")
    return tree


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
    except (ValueError, KeyError, TypeError):
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
    return found[0], tensorfile.part(read_state_dict(data, name), prefix)
