"""A pickle's content without running anything of it: what it would call becomes a record.

The file's operations are read one by one (`pickletools`) and only containers and constants are
built; a class or function is its name alone, a call is what would be called and with what.
"""

import pickletools
from collections.abc import Callable
from dataclasses import dataclass, field
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
    """An object that a call of `function` would have made, and what was then put into it."""

    function: Any
    arguments: tuple[Any, ...]
    state: Any = None  # of BUILD, as for `__setstate__`
    items: dict[Any, Any] = field(default_factory=dict)
    appended: list[Any] = field(default_factory=list)


class MalformedError(ValueError):
    """A pickle that its own format does not allow, or with what no weights need."""


MARK: Any = object()
MAPPINGS = ("collections.OrderedDict", "collections.defaultdict", "builtins.dict")
SEQUENCES = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
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


def read_inert(stream: BinaryIO, persistent: Callable[[Any], Any] | None = None) -> Any:
    """The next pickle of a stream, which then stands behind it.

    `persistent` makes of a persistent id what stands for it. Raises `MalformedError`, and for a
    damaged pickle nearly any other exception; runs no code that the pickle names.
    """
    machine = _Machine(persistent)
    for operation, argument, _ in pickletools.genops(stream):
        if operation.name == "STOP":
            return machine.pop()
        machine.step(operation.name, argument)
    raise MalformedError("a pickle without an end")


class _Machine:
    """The pickle format's stack and memo."""

    def __init__(self, persistent: Callable[[Any], Any] | None) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.persistent = persistent

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

    def on_tuple1(self) -> None:
        self._tuple(1)

    def on_tuple2(self) -> None:
        self._tuple(2)

    def on_tuple3(self) -> None:
        self._tuple(3)

    def _tuple(self, count: int) -> None:
        self.stack.append(tuple([self.pop() for _ in range(count)][::-1]))

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
        target = target.appended if isinstance(target, Record) else target
        if not isinstance(target, list):
            raise MalformedError(f"items for a {type(target).__name__}")
        target.extend(values)

    def on_setitem(self) -> None:
        value, key = self.pop(), self.pop()
        self._update({_key(key): value})

    def on_setitems(self) -> None:
        self._update(_pairs(self.marked()))

    def _update(self, items: dict[Any, Any]) -> None:
        target = self.top()
        target = target.items if isinstance(target, Record) else target
        if not isinstance(target, dict):
            raise MalformedError(f"keys for a {type(target).__name__}")
        target.update(items)

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
        self.stack.append(called(Global(module, name), tuple(self.marked())))

    def on_obj(self) -> None:
        function, *arguments = self.marked()
        self.stack.append(called(function, tuple(arguments)))

    def on_newobj(self) -> None:
        arguments, function = self.pop(), self.pop()
        self.stack.append(called(function, arguments))

    on_reduce = on_newobj

    def on_newobj_ex(self) -> None:
        named, arguments, function = self.pop(), self.pop(), self.pop()
        self.stack.append(Record(function, _arguments(arguments), items=dict(named)))

    def on_build(self) -> None:
        state, target = self.pop(), self.top()
        if isinstance(target, Record):
            target.state = state  # of a container: its attributes, which hold no weights

    def on_persid(self, name: str) -> None:
        self._persistent(name)

    def on_binpersid(self) -> None:
        self._persistent(self.pop())

    def _persistent(self, name: Any) -> None:
        if self.persistent is None:
            raise MalformedError("a persistent id")
        self.stack.append(self.persistent(name))


def called(function: Any, arguments: Any) -> Any:
    """A standard container of the arguments, or the record of a call."""
    arguments = _arguments(arguments)
    if isinstance(function, Global) and str(function) in NEW and arguments:
        function, arguments = arguments[0], arguments[1:]
    if isinstance(function, Global):
        module = function.module.replace("__builtin__", "builtins")
        if f"{module}.{function.name}" in MAPPINGS:
            pairs = arguments[0] if arguments and isinstance(arguments[0], list | dict) else []
            pairs = list(pairs.items()) if isinstance(pairs, dict) else pairs
            return {_key(key): value for key, value in pairs}
        if module == "builtins" and function.name in SEQUENCES and len(arguments) < 2:
            values = arguments[0] if arguments else ()
            if isinstance(values, list | tuple | set | frozenset):
                keyed = function.name.endswith("set")
                return SEQUENCES[function.name](map(_key, values) if keyed else values)
    return Record(function, arguments)


def _arguments(arguments: Any) -> tuple[Any, ...]:
    if not isinstance(arguments, tuple):
        raise MalformedError(f"arguments that are a {type(arguments).__name__}")
    return arguments


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
