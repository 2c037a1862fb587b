"""Progress: a bar on a terminal, plain lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import Self, TextIO

from tqdm import tqdm


class Progress:
    """Counts toward `total` units; shows rate, time left and any values given.

    Elsewhere than on a terminal it prints one line about every `every` seconds, and a last one.
    """

    def __init__(
        self, what: str, total: int, unit: str, every: float = 10, stream: TextIO | None = None
    ) -> None:
        self.what, self.total, self.unit, self.every = what, total, unit, every
        self.stream = stream or sys.stderr
        self.done, self.values = 0, ""
        self.start = self.last = time.monotonic()
        self.bar = (
            tqdm(total=total, desc=what, unit=f" {unit}", file=self.stream, dynamic_ncols=True)
            if self.stream.isatty()
            else None
        )

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
        self.last = time.monotonic()
        rate = self.rate
        left = f"{(self.total - self.done) / rate:.0f} s left" if rate else "?"
        parts = [f"{self.done}/{self.total} {self.unit}", f"{rate:.3g}/s", left, self.values]
        print(f"{self.what}: {', '.join(filter(None, parts))}", file=self.stream, flush=True)

    @property
    def rate(self) -> float:
        """Units a second since the start."""
        return self.done / max(time.monotonic() - self.start, 1e-9)

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
