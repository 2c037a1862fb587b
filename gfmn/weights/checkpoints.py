"""A checkpoint's tensors by name, also where it holds a whole pickled module."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from gfmn.common.errors import InputError
from gfmn.common.pickles import Global, MalformedError, Record, one_line
from gfmn.common.regular_files import foreign_format
from gfmn.weights.torchfiles import TorchFile, read_torch_file, tensor_view

State = dict[str, Tensor]
# Under which a checkpoint has its network, beside other facts; the first that is there counts.
PLACES = ("state_dict", "model_state_dict", "model", "net", "module")
DEPTH, MODULES = 60, 10_000  # modules inside each other, and in all
SCALARS = (str, int, float, bool)


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint holds: its container, its modules' classes, its tensors by name."""

    container: str
    classes: tuple[str, ...]  # the outermost module's first; none: a state dict
    state: State
    facts: dict[str, Any]  # what else the checkpoint says in one number or word
    place: str | None  # the checkpoint's key under which the network is; None: it is all
    ignored: tuple[str, ...] = ()  # other such keys, which hold networks too


def read_checkpoint(data: bytes, name: str) -> Checkpoint:
    """A checkpoint's tensors: of a module, a state dict, or a dict with either under a known key.

    `name` begins every error, an `InputError`: another container, a damaged file, no tensors.
    """
    try:
        file = read_torch_file(data)
        return _checkpoint(file, len(data))
    except Exception as error:  # a damaged file raises almost anything, and is the user's input
        raise InputError(
            f"{name}: expected a whole file of torch.save with a module or a state dict, "
            f"found: {foreign_format(data) or one_line(error)}"
        ) from None


def _checkpoint(file: TorchFile, size: int) -> Checkpoint:
    content, facts = file.content, {}
    place: str | None = None
    ignored: tuple[str, ...] = ()
    if isinstance(content, dict) and not _is_state_dict(content):
        places = [key for key in PLACES if _holds_weights(content.get(key))]
        place, ignored = next(iter(places), None), tuple(places[1:])
        if place is None:
            keys = ", ".join(repr(key[:40]) for key in content if isinstance(key, str))
            raise MalformedError(f"a dict without a network, with the keys {keys[:120] or 'none'}")
        facts = _facts(file, {key: value for key, value in content.items() if key != place})
        content = content[place]
    classes: dict[str, None] = {}
    named: Iterable[tuple[str, Tensor | None]]
    if isinstance(content, dict):
        named = ((key, file.tensor(value)) for key, value in content.items())
    else:
        named = _walk(file, content, classes)
    state = _gathered(named, 4 * size)
    while all(key.startswith("module.") for key in state):  # DataParallel's
        state = {key.removeprefix("module."): value for key, value in state.items()}
    return Checkpoint(file.container, tuple(classes), state, facts, place, ignored)


def _is_state_dict(value: Any) -> bool:
    """Whether a value is a dict of tensors alone."""
    return (
        isinstance(value, dict)
        and len(value) > 0
        and all(isinstance(k, str) and tensor_view(v) is not None for k, v in value.items())
    )


def _holds_weights(value: Any) -> bool:
    return _is_state_dict(value) or _members(value) is not None


def _gathered(named: Iterable[tuple[str, Tensor | None]], most: int) -> State:
    """Tensors by name, `most` bytes of them."""
    state: State = {}
    for key, tensor in named:
        if tensor is not None:
            state[key] = tensor
            most -= tensor.nbytes
        # Numbers may be shared, but not so often that a small file fills the memory.
        if most < 0:
            raise MalformedError("more numbers than the file has")
    if not state:
        raise MalformedError("no tensors")
    return state


def _members(value: Any) -> Mapping[str, Any] | None:
    """A pickled module's attributes; None for anything else."""
    if not (isinstance(value, Record) and isinstance(value.function, Global)):
        return None
    state = value.state[0] if isinstance(value.state, tuple) and value.state else value.state
    return state if isinstance(state, dict) and "_modules" in state else None


def _walk(
    file: TorchFile, root: Any, classes: dict[str, None]
) -> Iterator[tuple[str, Tensor | None]]:
    """A module's tensors and its children's, as `state_dict` names and orders them.

    `classes` takes the modules' classes, in order and each once.
    """
    waiting = [("", 0, root)]
    for _ in range(MODULES):
        prefix, depth, module = waiting.pop()
        members = _members(module)
        if members is None or depth > DEPTH:
            raise MalformedError(f"no module at {prefix[:100] or 'the root'}")
        classes["".join(filter(str.isprintable, str(module.function)))[:100]] = None
        for group in ("_parameters", "_buffers"):
            for key, value in _named(members, group):
                tensor = file.tensor(value)
                if tensor is None and value is not None:
                    raise MalformedError(f"no tensor at {prefix[-60:] + key[:60]!r}")
                yield f"{prefix}{key}", tensor
        inner = [(k, v) for k, v in _named(members, "_modules") if v is not None]
        waiting += [(f"{prefix}{key}.", depth + 1, value) for key, value in reversed(inner)]
        if not waiting:
            return
    raise MalformedError(f"more than {MODULES} modules")


def _named(members: Mapping[str, Any], group: str) -> list[tuple[str, Any]]:
    named = members.get(group, {})
    if not isinstance(named, dict) or not all(isinstance(key, str) for key in named):
        raise MalformedError(f"no dict of names for {group}")
    return list(named.items())


def _facts(file: TorchFile, others: Mapping[Any, Any]) -> dict[str, Any]:
    """Numbers and words that stand beside the network, such as `acc` and `epoch`."""
    facts: dict[str, Any] = {}
    for key, value in others.items():
        tensor = file.tensor(value) if isinstance(value, Record) else None
        if tensor is not None and tensor.numel() == 1:
            value = tensor.item()
        if isinstance(key, str) and type(value) in SCALARS:
            said = f"{key} {value}"
            if len(said) <= 100 and said.isprintable():
                facts[key] = value
    return facts
