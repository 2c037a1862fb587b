"""A process of several ends with the one that started them, and with one that is stuck."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import torch.distributed as dist

EVERY = 5.0  # seconds between two signs of life
SILENCE = 40.0  # seconds without one after which a process counts as stuck
GRACE = 30.0  # seconds to write a checkpoint and end, without a parent
LOOK = 0.5  # seconds between two looks for the parent
PARENT = "GFMN_PARENT"  # its number, in the environment of the processes that it starts


@contextmanager
def bound_to_parent() -> Iterator[None]:
    """Context in which this process ends with its parent, which may have ended before it."""
    parent, ended = int(os.environ.get(PARENT, os.getppid())), threading.Event()
    threading.Thread(target=_follow, args=(parent, ended), daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def _follow(parent: int, ended: threading.Event) -> None:
    while not ended.wait(LOOK):
        if os.getppid() != parent:  # as a signal, which lets a loop write a checkpoint
            os.kill(os.getpid(), signal.SIGTERM)
            if not ended.wait(GRACE):
                os._exit(128 + signal.SIGTERM)
            return


@contextmanager
def watched(prefix: str, rank: int, size: int) -> Iterator[None]:
    """Context in which this rank shows the others that it lives, and ends when one does not."""
    ended = threading.Event()
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    # A connection of its own: waiting for the group's would block it.
    store = dist.PrefixStore(prefix, dist.TCPStore(address, port, wait_for_workers=False))
    thread = threading.Thread(target=_watch, args=(store, rank, size, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(EVERY)


def _watch(store: dist.Store, rank: int, size: int, ended: threading.Event) -> None:
    heard = dict.fromkeys(range(size), (0, time.monotonic()))  # number of signs, time of the last
    while not ended.wait(EVERY):
        try:
            store.add(f"signs-{rank}", 1)
            for other in heard:
                signs = store.add(f"signs-{other}", 0)
                if signs != heard[other][0]:
                    heard[other] = signs, time.monotonic()
                elif store.add(f"ended-{other}", 0):
                    heard[other] = signs, float("inf")
        except RuntimeError:
            continue  # of the parent that has the store, and ended
        silent = [r for r, (_, last) in heard.items() if time.monotonic() - last > SILENCE]
        if silent and rank == min(heard.keys() - silent):  # one speaks for all
            found = f"found none for {SILENCE:.0f} s"
            line = f"error: process {silent[0]} of {size}: expected a sign of life, {found}"
            print(line, file=sys.stderr, flush=True)
            os._exit(1)
    with suppress(RuntimeError):
        store.add(f"ended-{rank}", 1)
