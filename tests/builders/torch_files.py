"""Files as torch writes them, of today and of long ago."""

import io
import pickle
import struct
import sys
import types
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from copyreg import __newobj__  # type: ignore[attr-defined]
from typing import Any

import torch
from torch import Tensor, nn

AUTHORS: list[type] = []  # classes that a file calls by the authors' module


def by_the_authors(cls: type) -> type:
    """Have a class bear the authors' module's name in the files that are written."""
    AUTHORS.append(cls)
    return cls


@contextmanager
def fake_modules() -> Iterator[None]:
    """Modules of the authors' names, with their classes, for as long as a file is written."""
    names = ["models", "models.published", "torch.nn.backends", "torch.nn.backends.thnn"]
    modules = {name: types.ModuleType(name) for name in names}
    before = {cls: cls.__module__ for cls in AUTHORS}
    for cls in AUTHORS:
        cls.__module__ = "models.published"
        setattr(modules["models.published"], cls.__name__, cls)
    backends = modules["torch.nn.backends.thnn"]
    backends.__dict__["_get_thnn_function_backend"] = _get_thnn_function_backend
    sys.modules.update(modules)
    try:
        yield
    finally:
        for cls, name in before.items():
            cls.__module__ = name
        for name in modules:
            del sys.modules[name]


class StorageOf:
    """Stands for a tensor's storage in a pickle."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


class Backend:
    """What each module of PyTorch 0.3 has in `_backend`."""


def _get_thnn_function_backend() -> None:
    raise AssertionError("nothing of a checkpoint is called")


_get_thnn_function_backend.__module__ = "torch.nn.backends.thnn"


KEPT = ("training", "_parameters", "_buffers", "_modules")
HOOKS = ("_backward_hooks", "_forward_hooks", "_forward_pre_hooks")


class OldPickler(pickle.Pickler):
    """PyTorch 0.3's forms of modules, parameters, tensors and storages."""

    def __init__(self, file: Any, place: str = "torch") -> None:
        super().__init__(file, protocol=2)
        self.storages: dict[str, Tensor] = {}
        self.seen: set[type] = set()
        self.place = place

    def persistent_id(self, obj: Any) -> Any:
        if isinstance(obj, type) and issubclass(obj, nn.Module) and obj not in self.seen:
            self.seen.add(obj)
            return ("module", obj, f"/home/them/{obj.__name__}.py", f"class {obj.__name__}: ...")
        if isinstance(obj, StorageOf):
            whole = obj.tensor.untyped_storage()
            key = str(whole.data_ptr())
            count = whole.nbytes() // obj.tensor.element_size()
            self.storages[key] = torch.empty(0, dtype=obj.tensor.dtype).set_(whole)
            return ("storage", KINDS[obj.tensor.dtype], key, "cuda:0", count, None)
        return None

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, nn.Parameter):
            return nn.Parameter, (obj.data,), (True, False, OrderedDict())
        if isinstance(obj, Tensor):
            layout = (obj.storage_offset(), tuple(obj.shape), obj.stride())
            return torch._utils._rebuild_tensor, (StorageOf(obj), *layout)
        if isinstance(obj, Backend):
            return _get_thnn_function_backend, ()
        if isinstance(obj, nn.Module):
            state = {key: getattr(obj, key) for key in KEPT}
            buffers = {k: v for k, v in obj._buffers.items() if k != "num_batches_tracked"}
            state |= {"_buffers": OrderedDict(buffers), "_backend": Backend()}
            state |= {key: OrderedDict() for key in HOOKS}
            return __newobj__, (type(obj),), state
        return NotImplemented


KINDS = {
    torch.float32: torch.FloatStorage,
    torch.float64: torch.DoubleStorage,
    torch.float16: torch.HalfStorage,
    torch.int64: torch.LongStorage,
}


def legacy(content: Any, pickler: type[OldPickler] = OldPickler) -> bytes:
    """What torch.save of PyTorch 0.3 wrote."""
    file = io.BytesIO()
    sizes = {"short": 2, "int": 4, "long": 8}
    system = {"protocol_version": 1001, "little_endian": True, "type_sizes": sizes}
    for header in (0x1950A86A20F9469CFC6C, 1001, system):
        pickle.dump(header, file, protocol=2)
    writer = pickler(file)
    with fake_modules():
        writer.dump(content)
    keys = sorted(writer.storages)
    pickle.dump(keys, file, protocol=2)
    for key in keys:
        numbers = writer.storages[key]
        file.write(struct.pack("<q", numbers.numel()))
        file.write(numbers.numpy().tobytes())
    return file.getvalue()


def saved(content: Any, **options: Any) -> bytes:
    """What today's torch.save writes."""
    file = io.BytesIO()
    with fake_modules():
        torch.save(content, file, **options)
    return file.getvalue()
