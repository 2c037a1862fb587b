"""`gfmn sweep`: a run with many values of its parameters, each an experiment of DVC."""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from gfmn.commands.status import SHOWN
from gfmn.common import parameters, yaml_reader
from gfmn.common.arguments import Number
from gfmn.common.bounds import COUNT, PROCESSES
from gfmn.common.config import suggest
from gfmn.common.errors import InputError
from gfmn.common.locks import locked
from gfmn.inference.output import Result
from gfmn.study import check, stages
from gfmn.sweeps import LOCAL, SLURM, repository
from gfmn.sweeps.points import Point, choices, plan
from gfmn.sweeps.start import Limits, start, wait
from gfmn.sweeps.sweep import FOLDER, State, Sweep, read, results

MINUTES = 60 * 24 * 365


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.description = (
        "Train and score a run with many values of its parameters. Every point is an experiment of "
        "DVC, made in a clone of its own from the last commit. The same command again starts what "
        "failed or was stopped, and nothing twice."
    )
    study = "its folder (default: the current one)"
    add = parser.add_argument
    add("study", type=Path, nargs="?", default=Path(), metavar="STUDY", help=study)
    run = "a run or a baseline (default: the only one)"
    add("--run", action="append", dest="runs", metavar="RUN", help=run)
    add(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE,VALUE",
        dest="fields",
        help="values of a field of its row; several make every combination",
    )
    add("--seeds", type=Number(1, COUNT), help="a point each of 0 to SEEDS - 1")
    add("--on", choices=(LOCAL, SLURM), default=LOCAL, help="default: %(default)s")
    at_once = "points at once (default: 1 on this machine, 256 on SLURM)"
    add("--jobs", type=Number(1, COUNT), help=at_once)
    minutes = "after which a point is saved and started again (default: a day)"
    add("--minutes", type=Number(2, MINUTES), default=60 * 24, help=minutes)
    requeues = "starts again of a point (default: %(default)s)"
    add("--requeues", type=Number(0, COUNT), default=3, help=requeues)
    add("--cpus", type=Number(1, PROCESSES), help="threads of a point, and SLURM's CPUs for it")
    gpus = "of a point (default: one where this machine has any, none on SLURM)"
    add("--gpus", type=Number(0, PROCESSES), help=gpus)
    add("--memory", type=Number(1, COUNT), help="GB of a point on SLURM")
    slurm = "another option of sbatch, as --slurm partition=gpu"
    add("--slurm", action="append", default=[], metavar="OPTION=VALUE", help=slurm)
    add("--dry-run", action="store_true", help="check the points and list them")
    add("--status", action="store_true", help="start nothing: say where the points are")
    add("--name", help="of the sweep; with --status alone the newest (default: from its points)")
    add("--wait", action="store_true", help="until SLURM has done them all")


def run(arguments: argparse.Namespace) -> Result:
    """Start what is to be started; returns where every point is, and the scores so far."""
    if arguments.status and not arguments.fields and not arguments.seeds:
        sweep = _newest(arguments.study, arguments.name)
        return _result(sweep, sweep.states())
    path = arguments.study / "params.yaml"
    params = parameters.read(path)
    runs = _runs([*check(params, str(path)).trained], arguments.runs)
    points = plan(params, str(path), runs, choices(arguments.fields, "--set"), arguments.seeds)
    if arguments.dry_run:
        facts = [{"name": one.name, "run": one.run, "values": one.values} for one in points]
        return Result("\n".join(one.name for one in points), facts)
    found = repository.find(arguments.study, changes=arguments.status)
    name = arguments.name or _name(points, found.commit)
    targets = {run: stages.targets(params, [run]) for run in runs}
    sweep = Sweep(arguments.study, name, found.commit, points, targets)
    if arguments.status:
        return _result(sweep, sweep.states())
    with locked(f"sweep-{name}", arguments.study / "data/locks"):
        _check_name(sweep)
        sweep.write()
        states = sweep.states()
        todo = [one.point for one in states if one.state == "failed" or _is_new(one)]
        if todo:
            start(sweep, found, todo, arguments.on, _limits(arguments), _tell)
        if arguments.on == LOCAL or arguments.wait:
            wait(sweep)
    states = sweep.states()
    result = _result(sweep, states)
    if failed := [one for one in states if one.state == "failed"]:
        print(json.dumps(result.data) if arguments.json else result.text)
        first = failed[0]
        raise InputError(
            f"{len(failed)} of {len(states)} points failed, {first.point.name} first: "
            f"{first.reason}; see {first.log}; the same command starts them again"
        )
    return result


def _is_new(state: State) -> bool:
    return state.state == "waiting" and state.log is None


def _runs(trained: list[str], asked: list[str] | None) -> list[str]:
    for name in asked or ():
        if name not in trained:
            raise InputError(f"--run: no run {name!r}; {suggest(name, trained)}")
    if not asked and len(trained) != 1:
        raise InputError(f"--run: expected one of {', '.join(trained)}, found none")
    return asked or trained


def _name(points: list[Point], commit: str) -> str:
    """The same for the same points from the same commit."""
    text = json.dumps([commit, *(point.name for point in points)])
    return f"{points[0].run}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _check_name(sweep: Sweep) -> None:
    """Refuse a name of another sweep."""
    if (sweep.folder / "sweep.json").is_file():
        other = read(sweep.folder, sweep.study)
        if (other.commit, [*other.points]) != (sweep.commit, [*sweep.points]):
            raise InputError(f"--name: expected a new one, found {sweep.name} with other points")


def _newest(study: Path, name: str | None) -> Sweep:
    files = (study / FOLDER).glob(f"{name or '*'}/sweep.json")
    if not (found := sorted(files, key=lambda file: file.stat().st_mtime)):
        raise InputError(f"{study / FOLDER / (name or '')}: expected a sweep, found none")
    return read(found[-1].parent, study)


def _limits(arguments: argparse.Namespace) -> Limits:
    options: dict[str, Any] = {}
    for word in arguments.slurm:
        key, equals, value = word.partition("=")
        options[key.lstrip("-")] = yaml_reader.load(value, "--slurm") if equals else True
    at_once = arguments.jobs or (1 if arguments.on == LOCAL else 256)
    return Limits(
        arguments.minutes,
        at_once,
        arguments.requeues,
        arguments.cpus,
        arguments.gpus,
        arguments.memory,
        options,
    )


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _result(sweep: Sweep, states: list[State]) -> Result:
    rows = results(states)
    facts = {
        "name": sweep.name,
        "commit": sweep.commit,
        "folder": str(sweep.folder),
        "points": [
            {
                "name": one.point.name,
                "run": one.point.run,
                "values": one.point.values,
                "state": one.state,
                "log": one.log,
                "reason": one.reason,
                "scores": one.scores,
            }
            for one in states
        ],
        "results": rows,
    }
    width = max(len(one.point.name) for one in states)
    lines = [f"{one.point.name:{width}}  {_describe(one)}".rstrip() for one in states]
    counts = [f"{sum(s.state == one for s in states)} {one}" for one in _ORDER]
    text = [*lines, "", *_table(rows), "", f"{sweep.name}: {', '.join(counts)}"]
    return Result("\n".join(text), facts)


_ORDER = ("waiting", "running", "done", "failed")


def _describe(state: State) -> str:
    if state.state == "done":
        return state.state
    return "  ".join(filter(None, (state.state, state.reason, state.log)))


def _table(rows: list[dict[str, Any]]) -> list[str]:
    """A line a setting: run, values, points done, means and deviations of the scores."""
    fields = [*dict.fromkeys(field for row in rows for field in row["values"])]
    names = [*dict.fromkeys(n for row in rows for n in row["scores"] if n.startswith(SHOWN))]
    table = [["run", *fields, "done", *names]]
    for row in rows:
        values = [json.dumps(row["values"][field]) for field in fields]
        scores = [_number(row["scores"].get(name)) for name in names]
        table.append([row["run"], *values, f"{row['done']} of {row['points']}", *scores])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(map(str.ljust, line, widths)).rstrip() for line in table]


def _number(score: dict[str, Any] | None) -> str:
    if score is None:
        return ""
    deviation = score["deviation"]
    return f"{score['mean']:.4g}" + ("" if deviation is None else f" ± {deviation:.2g}")
