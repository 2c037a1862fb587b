"""How a stage starts and joins the several processes that its parameters ask for."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gfmn.common.errors import InputError
from gfmn.common.locks import locked
from gfmn.runtime.distributed import World, launch, under_torchrun, world


def join(processes: int, where: str, work: Callable[[World], None], *command: str) -> None:
    """Call `work` in so many processes: start them, or be one of those that torchrun started.

    `command`: the script and its arguments, which each started process runs; it gets here again.
    `where`: the parameters whose `processes` must be what torchrun started; begins the error.
    """
    if processes > 1 and not under_torchrun():
        code = launch(processes, *command)
        if code:
            sys.exit(code)
        return
    with world() as joined:
        if joined.size != processes:
            expected = f"expected {joined.size}, as torchrun started"
            raise InputError(f"{where}.processes: {expected}, found {processes}")
        with _alone(command, joined):
            work(joined)


@contextmanager
def _alone(command: Sequence[str], world: World) -> Iterator[None]:
    """Context of the only run of this command in a study; on every rank, of which one speaks."""
    script, *words = command
    name = "-".join((Path(script).stem.replace("_", "-"), *words))
    with ExitStack() as stack:
        refusal: InputError | None = None
        if world.is_main:  # and not the one that starts them: these may outlive it for seconds
            try:
                stack.enter_context(locked(name))
            except InputError as error:
                refusal = error
        if world.any(refusal is not None):
            raise refusal or SystemExit(1)
        yield
