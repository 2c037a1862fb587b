"""`gfmn run`: check the parameters, then build what they ask for, as one display."""

import argparse
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from gfmn.common import parameters
from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.inference import options
from gfmn.study import check
from gfmn.study.edit import assignments, editing
from gfmn.study.pipeline import INSTALLED, dvc, environment, init_dvc, write_pipeline

PAGE = Path("reports/index.html")
STARTED = re.compile(r"Running stage '(.+)':")
DONE = re.compile(r"Stage '(.+)' (?:didn't change|is cached)")
NOISE = (
    "> ",
    "Updating lock file",
    "Generating lock file",
    "Use `dvc push`",
    "To track the changes",
    "\tgit add",
    "W1",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.description = (
        "Build a study, or what has changed of it: fetch, measure, train, score, report. A run "
        "that was stopped resumes where it was."
    )
    parser.add_argument("runs", nargs="*", metavar="RUN", help="these runs alone (default: all)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        dest="changes",
        help="first write a value into the row of the run, as in --set lr=1e-3",
    )
    options.add_study(parser)


def run(arguments: argparse.Namespace) -> str:
    """Build it; returns where the page is."""
    folder: Path = arguments.study
    path = folder / "params.yaml"
    params = parameters.read(path)
    study = check(params, str(path))
    for name in arguments.runs:
        if name not in study.runs:
            raise InputError(f"RUN: no run {name!r}; {suggest(name, study.runs)}")
    if arguments.changes:
        names = arguments.runs or list(study.runs)
        if len(names) != 1:
            raise InputError(f"--set: expected one RUN, found {', '.join(names)}")
        with editing(path) as editor:
            for keys, value in assignments(arguments.changes, "--set"):
                editor.set(("runs", names[0], *keys), value)
    if params.get("root") == INSTALLED:
        write_pipeline(folder)
    init_dvc(folder)
    targets = _targets(parameters.read(path), arguments.runs)
    display = Display(sys.stderr)
    code = display.follow(folder, ["repro", *targets])
    if not code and arguments.runs:  # the page of all that there is
        code = display.follow(folder, ["repro", "--single-item", "report"])
    if code:
        raise InputError(f"{display.last}: failed, see above; the same command resumes there")
    return f"{folder / PAGE}: the report; `gfmn open` shows it"


def _targets(params: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """The stages that score these runs; none: all stages."""
    found = []
    for section, stage in (("evaluations", "evaluate"), ("snapshots", "evaluate-snapshots")):
        rows = params.get(section, {}).items()
        found += [f"{stage}@{key}" for key, row in rows if row["run"] in names]
    return found + [f"sample@{name}" for name in names]


class Display:
    """What DVC and its stages print, as one line a stage: its number of all, its own progress.

    On a terminal the stage that runs has one line, which is written over; elsewhere every line of
    progress is a line.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.stage, self.last = stream, "", "dvc"
        self.number = self.total = 0
        self.start = time.monotonic()

    def follow(self, folder: Path, words: Sequence[str]) -> int:
        """Run DVC and show it; returns its exit code. An interruption reaches the stage too."""
        targets = [word for word in words[1:] if not word.startswith("-")]
        graph = dvc(["dag", "--dot", *targets], folder, capture_output=True).stdout
        self.total = len(set(re.findall(r'^\s*"([^"]+)";$', graph, re.MULTILINE)))
        self.number = 0
        command = [sys.executable, "-m", "dvc", *words]
        with subprocess.Popen(
            command,
            cwd=folder,
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
        self.end()
        if interrupted:
            raise KeyboardInterrupt
        return code

    def take(self, line: str) -> None:
        """Show a line of DVC or of a stage."""
        if found := STARTED.fullmatch(line.strip()):
            self.end()
            self.stage = self.last = found[1]
            self.number += 1
            self.start = time.monotonic()
            self.show("")
        elif DONE.match(line):
            self.number += 1
        elif line.strip() and not line.startswith(NOISE):
            self.show(line)

    def show(self, text: str) -> None:
        """The stage's line with what it says of itself."""
        place = f"[{self.number:{len(str(self.total))}}/{self.total}] {self.stage}"
        text = re.sub(r"^[a-z-]+ [\w@-]+( seed \d+)?: ", "", text)
        line = f"{place}: {text}" if text else place
        if self.stream.isatty():
            width = shutil.get_terminal_size().columns - 1
            self.stream.write(f"\r\033[K{line[:width]}")
        elif text:
            self.stream.write(line + "\n")
        self.stream.flush()

    def end(self) -> None:
        """The line of a stage that is done: its duration."""
        if self.stage:
            self.show(f"{time.monotonic() - self.start:.0f} s")
            if self.stream.isatty():
                self.stream.write("\n")
        self.stage = ""
