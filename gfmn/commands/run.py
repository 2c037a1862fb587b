"""`gfmn run`: check the parameters, then build what they ask for, as one display."""

import argparse
import sys
import time
from pathlib import Path

from gfmn.commands.display import Display, duration
from gfmn.commands.runs import add_runs, checked
from gfmn.common.errors import InputError
from gfmn.common.scripts import INSTALLED
from gfmn.inference.output import Result
from gfmn.study import forecast, stages
from gfmn.study.edit import assignments, editing
from gfmn.study.pipeline import init_dvc, write_pipeline

PAGE = Path("reports/index.html")
REPORT = "report"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.description = (
        "Build a study, or what has changed of it: fetch, measure, train, score, report. A run "
        "that was stopped resumes where it was."
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        dest="changes",
        help="first write a value into the row of the run, as in --set lr=1e-3",
    )
    add_runs(parser)


def run(arguments: argparse.Namespace) -> Result:
    """Build it; returns where the page is."""
    folder: Path = arguments.study
    params, study = checked(arguments)
    if arguments.changes:
        names = arguments.runs or list(study.trained)
        if len(names) != 1:
            raise InputError(f"--set: expected one RUN, found {', '.join(names)}")
        section = "baselines" if names[0] in study.baselines else "runs"
        with editing(folder / "params.yaml") as editor:
            for keys, value in assignments(arguments.changes, "--set"):
                editor.set((section, names[0], *keys), value)
        params, study = checked(arguments)
    if params.get("root") == INSTALLED:
        write_pipeline(folder)
    init_dvc(folder)
    targets, begun = stages.targets(params, arguments.runs), time.monotonic()
    needs = stages.graph(folder, targets)
    if targets:  # and the page of all that there is
        needs |= {REPORT: frozenset(needs)}
    amounts = forecast.work(study, params)
    display = Display(
        sys.stderr,
        folder,
        len(needs),
        forecast.Forecast(
            stages.to_build(folder, study, needs), amounts, forecast.known(folder, amounts)
        ),
        {name: one.seeds for name, one in study.trained.items()},
        arguments.verbose,
    )
    code = display.follow(["repro", *targets])
    if not code and targets:
        code = display.follow(["repro", "--single-item", REPORT])
    if code:
        raise InputError(f"{display.last}: {display.reason()}; the same command resumes there")
    seconds = time.monotonic() - begun
    warned = {training: texts for training, texts in display.warnings.items() if texts}
    facts = {
        "report": str(folder / PAGE),
        "seconds": round(seconds, 2),
        "stages": display.seconds,
        "warnings": warned,
    }
    built = f"{len(display.seconds)} of {len(needs)} stages built in {duration(seconds)}"
    return Result(f"{folder / PAGE}: the report; `gfmn open` shows it ({built})", facts)
