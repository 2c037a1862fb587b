"""Pickles of numpy arrays, made by `np.frombuffer` from plain number types alone.

`numpy.dtype` and numpy's own functions are never called: a type whose pickled state claims to hold
objects would have numpy follow pointers of the file's choosing.
"""

import math
import re
from typing import Any, BinaryIO

import numpy as np

from gfmn.common.errors import InputError
from gfmn.common.pickles import Global, MalformedError, Record, one_line, read_pickle
from gfmn.common.regular_files import foreign_format

# By the names of numpy 1 and 2.
RECONSTRUCT = ("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct")
FROM_BUFFER = ("numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer")
NUMBERS = re.compile(r"[iu][1248]|f[248]")
# Of a plain type's state, behind its version and byte order: no sub-array, no names, no fields, no
# size and alignment of its own, no flags.
PLAIN = (None, None, None, -1, -1, 0)
AXES = 32  # the most that numpy 1 has


def read_arrays(stream: BinaryIO, name: str, expected: str = "a pickle of numpy arrays") -> Any:
    """A pickle of Python's own containers, constants, and numpy arrays of numbers.

    `stream` must not reserve memory for more bytes than it has: `BytesIO` and `mmap` do not. The
    arrays are read-only. `name` begins every error, an `InputError` that says what was `expected`:
    any other class or function, other types of numbers, a damaged pickle. Nothing of it is run.
    """
    start = stream.read(64)
    stream.seek(0)
    if found := foreign_format(start):
        raise InputError(f"{name}: expected {expected}, found {found}")
    try:
        root = [read_pickle(stream)]
        _replace_records(root)
    except MemoryError:
        raise
    except Exception as error:  # a damaged pickle raises almost anything
        raise InputError(f"{name}: expected {expected}, found: {one_line(error)}") from None
    return root[0]


def _replace_records(root: list[Any]) -> None:
    """Put arrays in place of their records, in all containers, which may hold each other."""
    arrays: dict[Record, np.ndarray] = {}
    waiting: list[Any] = [root]
    seen: set[int] = set()
    while waiting:
        container = waiting.pop()
        if id(container) in seen:
            continue
        seen.add(id(container))
        is_dict = isinstance(container, dict)
        for key, value in list(container.items() if is_dict else enumerate(container)):
            if isinstance(key, Global | Record | tuple):
                raise MalformedError("a key that is neither text nor number")
            if isinstance(value, dict | list):
                waiting.append(value)
            elif isinstance(value, tuple | set | frozenset):
                _check_constants(value)
            elif isinstance(value, Global):
                raise MalformedError(f"{value}, refused")
            elif isinstance(value, Record):
                if value not in arrays:
                    arrays[value] = _array(value)
                container[key] = arrays[value]


def _check_constants(values: tuple[Any, ...] | set[Any] | frozenset[Any]) -> None:
    for value in values:
        if not isinstance(value, str | bytes | int | float | None):
            found = value.function if isinstance(value, Record) else value
            found = found if isinstance(found, Global) else type(found).__name__
            raise MalformedError(f"{found} in a {type(values).__name__}, refused")


def _array(record: Record) -> np.ndarray:
    # Anything but a name may be so large that its text would fill the memory.
    function = str(record.function) if isinstance(record.function, Global) else "a call"
    if function in RECONSTRUCT and record.arguments[:1] == (Global("numpy", "ndarray"),):
        if not (isinstance(record.state, tuple) and len(record.state) == 5):
            raise MalformedError("an array without its shape and numbers")
        _, shape, dtype, columns_first, data = record.state
    elif function in FROM_BUFFER and len(record.arguments) == 4:
        data, dtype, shape, order = record.arguments
        columns_first = order == "F"
    else:
        raise MalformedError(f"{function}, refused")
    numbers = _dtype(dtype)
    if isinstance(data, str):  # Python 2's
        data = data.encode("latin1")
    if not isinstance(shape, tuple) or len(shape) > AXES or not all(map(_is_count, shape)):
        raise MalformedError("an array's shape that is no row of counts")
    if not isinstance(data, bytes | bytearray):
        raise MalformedError(f"an array's numbers as a {type(data).__name__}")
    if math.prod(shape) * numbers.itemsize != len(data):
        raise MalformedError(f"{len(data)} bytes for an array of shape {shape} and {numbers}")
    array: np.ndarray = np.frombuffer(data, numbers)
    if columns_first is True:
        return array.reshape(shape[::-1]).T
    return array.reshape(shape)


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 48


def _dtype(record: Any) -> np.dtype:
    """The plain type that a record stands for, made from its letter, size and byte order alone."""
    if isinstance(record, Record) and record.function == Global("numpy", "dtype"):
        code, state = record.arguments[:1], record.state
        order = state[1] if isinstance(state, tuple) and state[2:] == PLAIN else None
        if order in ("<", ">", "|") and isinstance(code[0], str) and NUMBERS.fullmatch(code[0]):
            return np.dtype(f"{order}{code[0]}")
    raise MalformedError("an array of another type than plain integers or floats")
