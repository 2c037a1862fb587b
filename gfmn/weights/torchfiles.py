"""Files of `torch.save` that hold whole objects, from PyTorch 0.3 on, read without running them.

Two containers: the zip archive, and the legacy file before it, which is a row of pickles (a magic
number, the protocol, facts of the machine, the object, the storages' keys), then each storage's
int64 count and little-endian data.
"""

import io
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gfmn.common.archives import read_stored
from gfmn.common.pickles import Global, MalformedError, Record, read_pickle

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}
REBUILT = ("torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2")
WRAPPED = {
    *("torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"),
    *("torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer", "torch.nn.Parameter"),
    *("torch.autograd.variable.Variable", "torch.autograd.Variable"),
}
AXES = 8  # more than any weight has


@dataclass(frozen=True)
class Storage:
    """A run of `count` numbers, `start` numbers into the root storage `key` of `total` numbers."""

    key: str
    dtype: torch.dtype
    total: int
    start: int
    count: int


@dataclass(frozen=True)
class TorchFile:
    """What `torch.save` was given, as inert records; `tensor` makes tensors of some of them."""

    container: str
    content: Any
    storages: dict[str, bytes]

    def tensor(self, value: Any) -> Tensor | None:
        """The tensor that a record stands for, contiguous; None for anything else.

        Raises `MalformedError` for one that its storage does not hold.
        """
        view = tensor_view(value)
        return None if view is None else self._strided(*view)

    def _strided(self, storage: Any, offset: Any, size: Any, stride: Any) -> Tensor:
        if not isinstance(storage, Storage):
            raise MalformedError("a tensor without a storage")
        size, stride = _sizes(size), _sizes(stride)
        if len(size) != len(stride) or len(size) > AXES or not _is_count(offset):
            raise MalformedError(f"a tensor of size {size} and stride {stride}")
        count = math.prod(size)
        last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        # Strides of 0 could make a huge tensor of one number.
        if count and (last >= storage.count or count > storage.count):
            raise MalformedError(f"a tensor of size {size} outside its {storage.count} numbers")
        if not count:
            return torch.empty(size, dtype=storage.dtype)
        begin, end = (storage.start + offset, storage.start + last + 1)
        return self._numbers(storage, begin, end).as_strided(size, stride).contiguous().clone()

    def _numbers(self, storage: Storage, begin: int, end: int) -> Tensor:
        data, width = self.storages.get(storage.key), storage.dtype.itemsize
        if data is None or len(data) != storage.total * width:
            found = "none" if data is None else f"{len(data)} bytes"
            raise MalformedError(f"for storage {storage.key!r} of {storage.total} numbers {found}")
        part = bytearray(data[begin * width : end * width])
        if storage.dtype == torch.bool:  # any other byte would be no truth value
            return torch.frombuffer(part, dtype=torch.uint8) != 0
        return torch.frombuffer(part, dtype=storage.dtype)


def tensor_view(value: Any) -> tuple[Any, ...] | None:
    """Storage, offset, size and stride of the tensor that a record stands for; None for others."""
    for _ in range(4):  # a Parameter around a Variable around a tensor
        if not (isinstance(value, Record) and isinstance(value.function, Global)):
            return None
        name, arguments = str(value.function), value.arguments
        if name in WRAPPED and arguments:
            value = arguments[0]
        elif name in REBUILT and len(arguments) >= 4:
            return arguments[:4]
        elif _is_old_tensor(value) and isinstance(value.state, tuple) and len(value.state) == 4:
            return value.state
        elif _is_old_tensor(value) and len(arguments) == 4:
            return arguments
        else:
            return None
    return None


def _is_old_tensor(value: Record) -> bool:
    """Of before `_rebuild_tensor`: the class itself with (storage, offset, size, stride)."""
    function = value.function
    return (
        isinstance(function, Global)
        and function.module in ("torch", "torch.cuda")
        and function.name.endswith("Tensor")
    )


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 48


def _sizes(value: Any) -> tuple[int, ...]:
    if isinstance(value, Record) and value.function == Global("torch", "Size"):
        value = value.arguments[0] if value.arguments else ()
    if not isinstance(value, tuple | list) or not all(map(_is_count, value)):
        raise MalformedError("a tensor's size or stride that is no row of counts")
    return tuple(value)


def persistent(identity: Any) -> Any:
    """A storage, or the class behind a container with its source text, which is left alone."""
    if isinstance(identity, tuple) and identity[:1] == ("module",) and len(identity) > 1:
        return identity[1]
    if not (isinstance(identity, tuple) and identity[:1] == ("storage",) and len(identity) >= 5):
        raise MalformedError("a persistent id other than a storage or a module")
    _, kind, key, _, total, *view = identity
    dtype = DTYPES.get(kind.name) if isinstance(kind, Global) else None
    if dtype is None or kind.module not in ("torch", "torch.cuda"):
        found = kind if isinstance(kind, Global) else type(kind).__name__
        raise MalformedError(f"a storage of unknown class {found}")
    if not isinstance(key, str | int) or not _is_count(total):
        raise MalformedError("a storage without a count")
    start, count = 0, total
    if view and view[0] is not None:
        _, start, count = view[0]
        if not (_is_count(start) and _is_count(count) and start + count <= total):
            raise MalformedError(f"a view outside its storage of {total} numbers")
    return Storage(str(key), dtype, total, start, count)


def read_torch_file(data: bytes) -> TorchFile:
    """Either container. Raises nearly any exception for a damaged file; runs nothing of it."""
    if data[:4] == b"PK\x03\x04":
        return _read_zip(data)
    return _read_legacy(data)


def _read_zip(data: bytes) -> TorchFile:
    members = read_stored(data)
    pickles = [name for name in members if name.partition("/")[2] == "data.pkl"]
    if len(pickles) != 1:
        raise MalformedError("a zip archive without a data.pkl")
    root = pickles[0].removesuffix("data.pkl")
    if members.get(f"{root}byteorder", b"little") != b"little":
        raise MalformedError("numbers that are not little-endian")
    content = read_pickle(io.BytesIO(members[pickles[0]]), persistent)
    storages = {
        name.removeprefix(f"{root}data/"): numbers
        for name, numbers in members.items()
        if name.startswith(f"{root}data/")
    }
    return TorchFile("torch zip archive", content, storages)


def _read_legacy(data: bytes) -> TorchFile:
    stream = io.BytesIO(data)
    if read_pickle(stream) != MAGIC:
        raise MalformedError("another magic number")
    if read_pickle(stream) != PROTOCOL:
        raise MalformedError("another protocol")
    machine = read_pickle(stream)
    if not isinstance(machine, dict) or machine.get("little_endian") is not True:
        raise MalformedError("numbers that are not little-endian")
    kinds: dict[str, torch.dtype] = {}

    def noted(identity: Any) -> Any:
        found = persistent(identity)
        if isinstance(found, Storage) and kinds.setdefault(found.key, found.dtype) != found.dtype:
            raise MalformedError(f"storage {found.key!r} with two types")
        return found

    content = read_pickle(stream, noted)
    keys = read_pickle(stream)
    if not isinstance(keys, list):
        raise MalformedError("no list of storages")
    storages = {}
    for key in keys:
        if not isinstance(key, str | int) or str(key) not in kinds:
            raise MalformedError("a storage that no tensor has")
        count = int.from_bytes(stream.read(8), "little")
        size = count * kinds[str(key)].itemsize
        if stream.tell() + size > len(data):
            left = len(data) - stream.tell()
            raise MalformedError(f"an end {size - left} bytes early, in storage {key!r}")
        storages[str(key)] = stream.read(size)
    return TorchFile("legacy torch file", content, storages)
