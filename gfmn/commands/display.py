"""What DVC and its stages print, as one display of all: where it is, and the time that is left."""

import re
import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from gfmn.common import paths
from gfmn.inference.output import paint
from gfmn.study import watch
from gfmn.study.forecast import Forecast
from gfmn.study.pipeline import environment

STARTED = re.compile(r"Running stage '(.+)':")
DONE = re.compile(r"Stage '(.+)' (?:didn't change|is cached)")
PROGRESS = re.compile(
    r"(?P<title>[\w@ -]+): (?P<done>\d+)/(?P<total>\d+) (?P<unit>\w+), (?P<rate>[\d.e+-]+)/s, "
    r"(?P<left>\d+|\?)(?: s left)?(?:, (?P<values>.*))?"
)
SEED = re.compile(r"seed (\d+)$")
NOISE = (
    "> ",
    "Updating lock file",
    "Generating lock file",
    "Use `dvc push`",
    "To track the changes",
    "\tgit add",
    "W1",
)
TAIL = 15  # lines of a stage that failed


class Display:
    """A line a stage and a line a training: the gap and its trend, and the time left of all.

    On a terminal what is under way has one line, which is written over; elsewhere every line of
    progress is a line. `verbose`: every line of DVC's as it is. `seeds`: of each run.
    """

    def __init__(
        self,
        stream: TextIO,
        folder: Path,
        total: int,
        forecast: Forecast,
        seeds: dict[str, tuple[int, ...]],
        verbose: bool = False,
    ) -> None:
        self.stream, self.folder, self.total, self.verbose = stream, folder, total, verbose
        self.forecast, self.seeds = forecast, seeds
        self.stage, self.last, self.title = "", "dvc", ""
        self.number = 0
        self.seconds: dict[str, float] = {}  # of the stages that ran
        self.warnings: dict[str, list[str]] = {}  # by training
        self.tail: deque[str] = deque(maxlen=TAIL)
        self.start = time.monotonic()

    def follow(self, words: Sequence[str]) -> int:
        """Run DVC and show it; returns its exit code. An interruption reaches the stage too."""
        with subprocess.Popen(
            [sys.executable, "-m", "dvc", *words],
            cwd=self.folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout is not None
            interrupted = False
            while True:
                try:
                    for line in process.stdout:
                        self.take(line.rstrip("\n"))
                    code = process.wait()
                    break
                except KeyboardInterrupt:  # the stage has it, too, and saves what it has
                    interrupted = True
        self.end(failed=code != 0)
        if interrupted:
            raise KeyboardInterrupt
        return code

    def take(self, line: str) -> None:
        """Show a line of DVC or of a stage."""
        if self.verbose:
            print(line, file=self.stream, flush=True)
        if found := STARTED.fullmatch(line.strip()):
            self.end()
            self.begin(found[1])
        elif found := DONE.match(line):
            self.number += 1
            self.forecast.finish(found[1], 0)
        elif line.strip() and not line.startswith(NOISE):
            self.tail.append(line)
            if progress := PROGRESS.fullmatch(line):
                self.advance(progress)
            elif " WARNING: " in line and not self.verbose:
                self._keep()
                line = line.replace(" WARNING:", "", 1)
                print(f"{paint('warning:', 'yellow', self.stream)} {line}", file=self.stream)
            else:
                self.show(re.sub(r"^[a-z-]+ [\w@-]+( seed \d+)?: ", "", line))

    def begin(self, stage: str) -> None:
        """A stage runs."""
        self.stage = self.last = stage
        self.title = ""
        self.number += 1
        self.start = time.monotonic()
        self.tail.clear()
        self.forecast.start(stage)
        self.show("", always=True)

    def advance(self, progress: re.Match[str]) -> None:
        """A stage says how far it is."""
        title, kind = progress["title"], self.stage.partition("@")[0]
        done, total = int(progress["done"]), int(progress["total"])
        rate = float(progress["rate"])
        left = 0.0 if progress["left"] == "?" else float(progress["left"])
        if kind not in ("train", "train-baseline"):
            self.forecast.advance(rate, left)
            self.show(f"{done:,} of {total:,} {progress['unit']}{self._time_left()}")
            return
        run = self.stage.partition("@")[2]
        seeds = self.seeds.get(run, (0,))
        named = SEED.search(title)
        seed = int(named[1]) if named else seeds[0]
        after = len(seeds) - 1 - seeds.index(seed) if seed in seeds else 0
        self.forecast.advance(rate, left, total * after)
        if self.title and title != self.title:
            self._keep()
        self.title = title
        judged = watch.judge(self.folder / paths.history(run, seed))
        state = ""
        if judged.latest is not None:
            state = f"{judged.subject} {judged.latest:.3g} {judged.trend}".rstrip() + ", "
        steps = f"{done:,} of {total:,} updates, {rate:.3g}/s"
        self.show(f"{f'seed {seed}: ' if named else ''}{state}{steps}{self._time_left()}")
        self._warn(run if not named else f"{run} seed {seed}", judged)

    def _warn(self, training: str, judged: watch.Judgment) -> None:
        told = self.warnings.setdefault(training, [])
        for warning in judged.warnings:
            if not any(text.startswith(warning.kind) for text in told):
                told.append(f"{warning.kind}: {warning.text}")
                self._keep()
                word = paint("warning:", "yellow", self.stream)
                text = (
                    f"{word} train {training}: the {judged.subject} {warning.kind}: {warning.text}"
                )
                print(text, file=self.stream, flush=True)

    def _time_left(self) -> str:
        now = time.monotonic()
        left = self.forecast.left(now - self.start, now)
        return "" if left is None else f"; all: {duration(left)} left"

    def show(self, text: str, always: bool = False) -> None:
        """The stage's line with what it says of itself."""
        if self.verbose or not self.stage:
            return
        name = self.stage.replace("@", " ")
        place = f"stage {self.number} of {self.total}: {name}"
        line = f"{place}  {text}" if text else place
        if self.stream.isatty():
            width = shutil.get_terminal_size().columns - 1
            self.stream.write(f"\r\033[K{line[:width]}")
        elif text or always:
            self.stream.write(line + "\n")
        self.stream.flush()

    def _keep(self) -> None:
        """What stands in the line stays: the next is written below it."""
        if self.stream.isatty() and not self.verbose:
            self.stream.write("\n")

    def end(self, failed: bool = False) -> None:
        """The line of a stage that has ended: its duration; of one that failed what it said."""
        if self.stage and failed:
            self._keep()
            if not self._errors() and self.stream.isatty():  # it has been written over
                print(*self.tail, sep="\n", file=self.stream)
        elif self.stage:
            seconds = time.monotonic() - self.start
            self.seconds[self.stage] = round(seconds, 2)
            self.forecast.finish(self.stage, seconds)
            if self.title:  # of a training the gap that it came to stays
                self._keep()
            self.show(f"done in {duration(seconds)}")
            self._keep()
        self.stage = ""

    def _errors(self) -> list[str]:
        return [line.removeprefix("error: ") for line in self.tail if line.startswith("error: ")]

    def reason(self) -> str:
        """Why the last stage failed: its own error line, or the last line that it printed."""
        lines = self._errors() or [line for line in self.tail if not line.startswith("ERROR: ")]
        return lines[-1] if lines else "no reason given"


def duration(seconds: float) -> str:
    """In words, of two digits: `40 s`, `12 min`, `3.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
