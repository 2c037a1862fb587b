"""The signals that ask a command to end, as an exception."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from gfmn.common.errors import Stopped

SIGNALS = tuple(  # Ctrl-C, `kill` and a closed terminal
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


def heeded() -> dict[int, object]:
    """The handler of each of these signals that is not ignored, as under `nohup`.

    None outside the main thread, where Python sets no handler.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    handlers = {int(number): signal.getsignal(number) for number in SIGNALS}
    return {number: old for number, old in handlers.items() if old != signal.SIG_IGN}


@contextmanager
def stopping(title: str) -> Iterator[None]:
    """Context in which such a signal raises `Stopped` at once, which begins with `title`."""
    before = heeded()

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped(f"{title}: stopped by {signal.Signals(number).name}", number)

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
