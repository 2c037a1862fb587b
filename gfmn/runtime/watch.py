"""A process of several ends with the one that started it, and with one that is stuck."""

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
    parent = os.getppid()
    heard = dict.fromkeys(range(size), (0, time.monotonic()))  # number of signs, time of the last
    while not ended.wait(EVERY):
        if os.getppid() != parent:
            _end_without_parent(ended)
            return
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


def _end_without_parent(ended: threading.Event) -> None:
    """As a signal does, which lets a loop write a checkpoint; at once where that takes long."""
    os.kill(os.getpid(), signal.SIGTERM)
    if not ended.wait(GRACE):
        os._exit(128 + signal.SIGTERM)
