"""Pickles read without running anything that they name: a call becomes a record.

The file's operations are read one by one (`pickletools`); only containers and constants are built.
A class or function is its name alone, a call is what would be called and with what. No operation
makes more bytes than the file has given so far.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass
from functools import partialmethod
from typing import Any, BinaryIO


@dataclass(frozen=True)
class Global:
    """A class or function that the pickle names; never looked up."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False, repr=False)  # what it holds may be deep, or hold it
class Record:
    """An object that a call of `function` would have made."""

    function: Any
    arguments: tuple[Any, ...]
    state: Any = None  # of BUILD, as for `__setstate__`


class MalformedError(ValueError):
    """A pickle that its own format does not allow, or with what no weights or images need."""


MARK: Any = object()
MAPPINGS = ("collections.OrderedDict", "collections.defaultdict", "builtins.dict")
NEW = ("copyreg.__newobj__", "copy_reg.__newobj__")
CONSTANTS = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE"),
    *("BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
LITERALS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_DICT": dict,
    "EMPTY_SET": set,
    "MARK": lambda: MARK,
}


def read_pickle(stream: BinaryIO, persistent: Callable[[Any], Any] | None = None) -> Any:
    """The next pickle of a stream, which then stands behind it.

    `persistent` makes of a persistent id what stands for it. Raises `MalformedError`, and for a
    damaged pickle nearly any other exception; runs no code that the pickle names.
    """
    machine = _Machine(persistent)
    for operation, argument, position in pickletools.genops(stream):
        if operation.name == "STOP":
            return machine.pop()
        machine.position = position or 0
        machine.step(operation.name, argument)
    raise MalformedError("a pickle without an end")


def one_line(error: Exception) -> str:
    """What is wrong with a file, as one printable line of 200 characters at most."""
    text = str(error) if isinstance(error, MalformedError) else repr(error)
    return "".join(filter(str.isprintable, " ".join(text.split())))[:200]


class _Machine:
    """The pickle format's stack and memo; `on_<operation>` carries out each operation."""

    def __init__(self, persistent: Callable[[Any], Any] | None) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.persistent = persistent
        self.position = 0  # bytes of the pickle read so far
        self.copied = 0  # items and characters that calls have copied

    def pop(self) -> Any:
        if not self.stack or self.stack[-1] is MARK:
            raise MalformedError("an empty stack")
        return self.stack.pop()

    def top(self) -> Any:
        value = self.pop()
        self.stack.append(value)
        return value

    def marked(self) -> list[Any]:
        """What stands above the last mark, which goes too."""
        found: list[Any] = []
        while self.stack:
            value = self.stack.pop()
            if value is MARK:
                return found[::-1]
            found.append(value)
        raise MalformedError("no mark")

    def step(self, name: str, argument: Any) -> None:
        if name in CONSTANTS:
            self.stack.append(argument)
        elif name in LITERALS:
            self.stack.append(LITERALS[name]())
        else:
            action = getattr(self, f"on_{name.lower()}", None)
            if action is None:
                raise MalformedError(f"the operation {name}")
            action() if argument is None else action(argument)

    def on_proto(self, version: int) -> None:
        if version > 5:
            raise MalformedError(f"protocol {version}")

    def on_frame(self, length: int) -> None:
        """A hint for reading ahead."""

    def on_pop(self) -> None:
        if not self.stack:
            raise MalformedError("an empty stack")
        self.stack.pop()

    def on_pop_mark(self) -> None:
        self.marked()

    def on_dup(self) -> None:
        self.stack.append(self.top())

    # Memo

    def on_put(self, index: int) -> None:
        self.memo[index] = self.top()

    on_binput = on_long_binput = on_put

    def on_memoize(self) -> None:
        self.memo[len(self.memo)] = self.top()

    def on_get(self, index: int) -> None:
        self.stack.append(self.memo[index])

    on_binget = on_long_binget = on_get

    # Containers

    def on_tuple(self) -> None:
        self.stack.append(tuple(self.marked()))

    def _tuple(self, count: int) -> None:
        self.stack.append(tuple([self.pop() for _ in range(count)][::-1]))

    on_tuple1 = partialmethod(_tuple, 1)
    on_tuple2 = partialmethod(_tuple, 2)
    on_tuple3 = partialmethod(_tuple, 3)

    def on_list(self) -> None:
        self.stack.append(self.marked())

    def on_dict(self) -> None:
        self.stack.append(_pairs(self.marked()))

    def on_frozenset(self) -> None:
        self.stack.append(frozenset(map(_key, self.marked())))

    def on_append(self) -> None:
        self._extend([self.pop()])

    def on_appends(self) -> None:
        self._extend(self.marked())

    def _extend(self, values: list[Any]) -> None:
        target = self.top()
        if isinstance(target, list):
            target.extend(values)
        elif not isinstance(target, Record):  # a class's own items are no weights
            raise MalformedError(f"items for a {type(target).__name__}")

    def on_setitem(self) -> None:
        value, key = self.pop(), self.pop()
        self._update({_key(key): value})

    def on_setitems(self) -> None:
        self._update(_pairs(self.marked()))

    def _update(self, items: dict[Any, Any]) -> None:
        target = self.top()
        if isinstance(target, dict):
            target.update(items)
        elif not isinstance(target, Record):
            raise MalformedError(f"keys for a {type(target).__name__}")

    def on_additems(self) -> None:
        values, target = self.marked(), self.top()
        if not isinstance(target, set):
            raise MalformedError(f"members for a {type(target).__name__}")
        target.update(map(_key, values))

    # Names and calls

    def on_global(self, names: str) -> None:
        module, _, name = names.partition(" ")
        self.stack.append(Global(module, name))

    def on_stack_global(self) -> None:
        name, module = self.pop(), self.pop()
        if not (isinstance(name, str) and isinstance(module, str)):
            raise MalformedError("a name that is no string")
        self.stack.append(Global(module, name))

    def on_inst(self, names: str) -> None:
        module, _, name = names.partition(" ")
        self._call(Global(module, name), tuple(self.marked()))

    def on_obj(self) -> None:
        function, *arguments = self.marked()
        self._call(function, tuple(arguments))

    def on_newobj(self) -> None:
        arguments, function = self.pop(), self.pop()
        self._call(function, arguments)

    on_reduce = on_newobj

    def on_newobj_ex(self) -> None:
        _, arguments, function = self.pop(), self.pop(), self.pop()
        self._call(function, arguments)

    def on_build(self) -> None:
        state, target = self.pop(), self.top()
        if isinstance(target, Record):
            target.state = state  # of a container: its attributes, which hold no weights

    def _call(self, function: Any, arguments: Any) -> None:
        """Push a dict, or bytes, for the calls that make them; for any other its record."""
        if not isinstance(arguments, tuple):
            raise MalformedError(f"arguments that are a {type(arguments).__name__}")
        if isinstance(function, Global) and str(function) in NEW and arguments:
            function, arguments = arguments[0], arguments[1:]
        name = str(function) if isinstance(function, Global) else ""
        name = name.replace("__builtin__", "builtins")
        first = arguments[0] if arguments else None
        if name in MAPPINGS:
            pairs = first if isinstance(first, list) else []  # a list of pairs: Python 2's
            self._count(len(pairs))
            self.stack.append({_key(key): value for key, value in pairs})
        elif name == "_codecs.encode" and isinstance(first, str) and arguments[1:] == ("latin1",):
            self._count(len(first))
            self.stack.append(first.encode("latin1"))  # as which old protocols write bytes
        elif name == "builtins.bytes" and not arguments:
            self.stack.append(b"")
        else:
            self.stack.append(Record(function, arguments))

    def _count(self, size: int) -> None:
        self.copied += size
        if self.copied > self.position:
            raise MalformedError("more content than the file has bytes")

    def on_persid(self, name: str) -> None:
        self._persistent(name)

    def on_binpersid(self) -> None:
        self._persistent(self.pop())

    def _persistent(self, name: Any) -> None:
        if self.persistent is None:
            raise MalformedError("a persistent id")
        self.stack.append(self.persistent(name))


def _pairs(values: list[Any]) -> dict[Any, Any]:
    if len(values) % 2:
        raise MalformedError("a key without a value")
    return {_key(key): value for key, value in zip(values[::2], values[1::2], strict=True)}


def _key(key: Any) -> Any:
    # A deep tuple's hash goes deep into the stack, past what Python watches.
    plain = (str, bytes, int, float, type(None), Global, Record)
    if isinstance(key, plain) or (
        isinstance(key, tuple) and all(isinstance(part, plain) for part in key)
    ):
        return key
    raise MalformedError(f"a key that is a {type(key).__name__}")
