"""Progress: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import Self, TextIO

from tqdm import tqdm


class Progress:
    """Counts toward `total` units; shows rate, time left and any values given.

    Elsewhere than on a terminal it prints one line about every `every` seconds, and a last one;
    nothing at all where it is `silent`.
    """

    def __init__(
        self,
        what: str,
        total: int,
        unit: str,
        every: float = 10,
        stream: TextIO | None = None,
        silent: bool = False,
    ) -> None:
        self.what, self.total, self.unit, self.every = what, total, unit, every
        self.stream, self.silent = stream or sys.stderr, silent
        self.done, self.skipped, self.values = 0, 0, ""
        self.start = self.last = time.monotonic()
        self.bar = (
            tqdm(total=total, desc=what, unit=f" {unit}", file=self.stream, dynamic_ncols=True)
            if self.stream.isatty() and not silent
            else None
        )

    def skip(self, count: int) -> None:
        """Count units that were done before: they are no part of the rate."""
        self.done, self.skipped = self.done + count, self.skipped + count
        if self.bar is not None:
            self.bar.initial = count
            self.bar.update(count)

    def advance(self, count: int = 1, **values: float) -> None:
        """Count units done; `values` (name=number) are shown beside the rate until replaced."""
        self.done += count
        if values:
            self.values = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
        if self.bar is not None:
            if values:
                self.bar.set_postfix_str(self.values, refresh=False)
            self.bar.update(count)
        elif time.monotonic() - self.last >= self.every:
            self._line()

    def _line(self) -> None:
        if self.silent:
            return
        self.last = time.monotonic()
        rate = self.rate
        left = f"{(self.total - self.done) / rate:.0f} s left" if rate else "?"
        parts = [f"{self.done}/{self.total} {self.unit}", f"{rate:.3g}/s", left, self.values]
        print(f"{self.what}: {', '.join(filter(None, parts))}", file=self.stream, flush=True)

    @property
    def rate(self) -> float:
        """Units a second since the start."""
        return (self.done - self.skipped) / max(time.monotonic() - self.start, 1e-9)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.bar is not None:
            self.bar.close()
        elif kind is None:
            self._line()
