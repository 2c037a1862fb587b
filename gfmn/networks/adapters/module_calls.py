"""Outputs of single module calls, read by hooks while another library's forward pass runs.

A module that is called several times in one pass makes the calls `name`, `name:2`, ...
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from torch import Tensor, nn

from gfmn.common.errors import InputError


@contextmanager
def call_hooks(
    module: nn.Module,
    names: Collection[str],
    receive: Callable[[str, Tensor], None],
    copied: Collection[str] = (),
) -> Iterator[None]:
    """Have `receive` called with the name and the output of every call of the named modules.

    Of the `copied` calls the network itself gets a copy, which it may change in place. Raises
    `InputError` for an output that is no tensor.
    """
    counts: dict[str, int] = {}

    def hook(name: str) -> Callable[..., Any]:
        def call(_module: nn.Module, _inputs: Any, output: Any) -> Any:
            counts[name] = counts.get(name, 0) + 1
            call_name = name if counts[name] == 1 else f"{name}:{counts[name]}"
            tensor = output[0] if isinstance(output, (tuple, list)) else output
            if not isinstance(tensor, Tensor):
                raise InputError(f"{name}: expected a tensor, found {type(output).__name__}")
            receive(call_name, tensor)
            return tensor.clone() if call_name in copied and tensor is output else None

        return call

    handles = [module.get_submodule(name).register_forward_hook(hook(name)) for name in names]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class _StopForward(Exception):  # noqa: N818  (no error)
    """Raised by a hook to end a forward pass; see `stoppable_forward`."""


@contextmanager
def stoppable_forward() -> Iterator[Callable[[], None]]:
    """Around a forward pass: what it yields ends the pass, called from a hook.

    An exception, since the code that calls the layers is the library's: nothing else leaves it
    early, and layers behind the last tap can cost more than those before it.
    """

    def stop() -> None:
        raise _StopForward

    with suppress(_StopForward):
        yield stop


def call_outputs(
    module: nn.Module,
    x: Tensor,
    calls: Collection[str],
    copied: Collection[str],
    convert: Callable[[Tensor], Tensor],
) -> dict[str, Tensor]:
    """`convert(output)` of each of `calls`, by name; no layer after the last one is computed."""
    outputs: dict[str, Tensor] = {}
    names = {call.partition(":")[0] for call in calls}
    with stoppable_forward() as stop:

        def receive(call: str, output: Tensor) -> None:
            if call in calls:
                outputs[call] = convert(output)
                if len(outputs) == len(calls):
                    stop()

        with call_hooks(module, names, receive, copied):
            module(x)
    return outputs
