"""SIGINT, SIGTERM and SIGHUP as a list that a loop looks at between two steps."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from gfmn.common.signals import heeded


@contextmanager
def caught() -> Iterator[list[int]]:
    """A list to which these signals are appended; a second one acts as usual."""
    received: list[int] = []
    before = heeded()

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)
        signal.signal(number, before[number])  # type: ignore[arg-type]

    for number in before:
        signal.signal(number, note)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
