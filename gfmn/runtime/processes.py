"""How the stages that can share their work start and join several processes."""

import sys
from collections.abc import Callable

from gfmn.common.errors import InputError
from gfmn.runtime.distributed import World, launch, under_torchrun, world


def join(processes: int, where: str, work: Callable[[World], None], *command: str) -> None:
    """Do the work in so many processes, of which this is one or, for a start, the launcher.

    `command`: the script and its arguments, to be started once a process. Under torchrun, on one
    machine or several, the processes are there already; `where` names the parameters that must
    say how many.
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
