"""How a stage starts and joins the several processes that its parameters ask for."""

import sys
from collections.abc import Callable

from gfmn.common.errors import InputError
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
        work(joined)
