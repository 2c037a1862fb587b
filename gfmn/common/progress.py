"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import Self, TextIO

from tqdm import tqdm


class Progress:
    """Context that counts units up to `total`; shows the rate, the time left and given values.

    Without a terminal it prints a line about every `every` seconds and one at the end. `silent`:
    nothing is shown.
    """

    def __init__(
        self,
        title: str,
        total: int,
        unit: str,
        every: float = 10,
        stream: TextIO | None = None,
        silent: bool = False,
    ) -> None:
        self.title, self.total, self.unit, self.every = title, total, unit, every
        self.stream, self.silent = stream or sys.stderr, silent
        self.done, self.skipped, self.values = 0, 0, ""
        self.start = self.last = time.monotonic()
        self.bar = (
            tqdm(total=total, desc=title, unit=f" {unit}", file=self.stream, dynamic_ncols=True)
            if self.stream.isatty() and not silent
            else None
        )

    def skip(self, count: int) -> None:
        """Count units done before a resume; the rate leaves them out."""
        self.done, self.skipped = self.done + count, self.skipped + count
        if self.bar is not None:
            self.bar.initial = count
            self.bar.update(count)

    def advance(self, count: int = 1, **values: float) -> None:
        """Count units done; `values` (name=number) are shown after the rate until replaced."""
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
        print(f"{self.title}: {', '.join(filter(None, parts))}", file=self.stream, flush=True)

    @property
    def rate(self) -> float:
        """Units per second since the start."""
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
