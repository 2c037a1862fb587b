"""A process of several ends with the one that started them, and with one that is stuck."""

import math
import os
import signal
import sys
import threading
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
    signs = Signs(store, rank, size)
    # Two threads: where the network is cut, an answer of the store never comes.
    exchange = threading.Thread(target=_exchange, args=(signs, ended), daemon=True)
    look = threading.Thread(target=_look, args=(signs, ended), daemon=True)
    exchange.start()
    look.start()
    try:
        yield
    finally:
        ended.set()
        exchange.join(EVERY)


def _exchange(signs: "Signs", ended: threading.Event) -> None:
    while not ended.wait(EVERY):
        signs.exchange()
    signs.end()


def _look(signs: "Signs", ended: threading.Event) -> None:
    while not ended.wait(EVERY):
        signs.look()


class Signs:
    """Signs of life of the processes of one work, counted in a store that all of them reach."""

    def __init__(self, store: dist.Store, rank: int, size: int) -> None:
        self.store, self.rank, self.size = store, rank, size
        others = [other for other in range(size) if other != rank]
        self.given = dict.fromkeys(others, 0)  # signs of each
        # Looks since the last one, and not time, which passes while this process is stopped too.
        self.silent: dict[int, float] = dict.fromkeys(others, 0)

    def exchange(self) -> None:
        """Give a sign, and see who of the others gave one or has ended."""
        with suppress(RuntimeError):  # the process that has the store may have ended
            self.store.add(f"signs-{self.rank}", 1)
            for other, before in self.given.items():
                self.given[other] = self.store.add(f"signs-{other}", 0)
                if self.given[other] != before:
                    self.silent[other] = 0
                elif self.store.add(f"ended-{other}", 0):
                    self.silent[other] = -math.inf

    def end(self) -> None:
        """Say that no more signs come of this process."""
        with suppress(RuntimeError):
            self.store.add(f"ended-{self.rank}", 1)

    def look(self) -> None:
        """End this process when another is silent for too long; the first that is not says so."""
        for other in self.silent:
            self.silent[other] += 1
        stuck = [other for other, looks in self.silent.items() if looks * EVERY > SILENCE]
        if stuck and self.rank == min({*range(self.size)}.difference(stuck)):
            found = f"found none for {SILENCE:.0f} s"
            line = f"error: process {stuck[0]} of {self.size}: expected a sign of life, {found}"
            print(line, file=sys.stderr, flush=True)
            os._exit(1)
