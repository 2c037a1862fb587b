"""`gfmn estimate`: minutes, memory and disk that a study will take on this machine, measured."""

import argparse
import contextlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from gfmn.commands.display import duration
from gfmn.commands.runs import add_runs, checked
from gfmn.common.devices import peak_memory
from gfmn.inference.output import Result
from gfmn.study import stages
from gfmn.study.forecast import ESTIMATE, work

DESCRIPTION = """\
Measure what a study will take on this machine: minutes, memory and disk.

Every kind of training, statistics and scores is tried for a few steps, with random weights and
images of the right shapes, and extrapolated. Nothing is fetched, and downloads are not measured.
Stages that are up to date are left out. `gfmn run` then shows the time left by it.
"""
FACTOR = 1.5  # within which the total is taken to be right where nothing else runs
ALONE = 0.7  # of its threads' time that a training has where nothing else runs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.description = DESCRIPTION
    add_runs(parser)


def run(arguments: argparse.Namespace) -> Result:
    """Measure; returns a table of stages, the total, memory and disk."""
    folder: Path = arguments.study
    params, study = checked(arguments)
    # They import torch, which takes seconds: a wrong file has failed by now.
    from gfmn.common.devices import keep_freed_memory
    from gfmn.study.estimate import Estimator

    keep_freed_memory()
    needs = stages.graph(folder, stages.targets(params, arguments.runs))
    building = stages.to_build(folder, study, needs)
    with contextlib.chdir(folder), tempfile.TemporaryDirectory(prefix="gfmn-") as scratch:
        order = [stage for stage in TopologicalSorter(needs).static_order() if stage in building]
        estimator = Estimator(study, params, str(folder / "params.yaml"), Path(scratch))
        found = estimator.estimate(order, needs.keys() - building)
        ESTIMATE.parent.mkdir(exist_ok=True)
        seconds = {part.stage: part.seconds for part in found.parts if part.seconds is not None}
        kept = {"stages": seconds, "work": work(study, params)}  # other work takes other seconds
        ESTIMATE.write_text(json.dumps(kept, indent=2) + "\n")
    factor = FACTOR * max(1.0, ALONE / found.share)
    facts = {
        "seconds": round(found.seconds),
        "seconds_alone": round(found.seconds * (1 if found.share >= ALONE else found.share)),
        "within_factor": factor,
        "memory_bytes": peak_memory(),
        "disk_bytes": 2 * found.disk + found.checkpoints,  # DVC's cache has each file again
        "stages": [vars(part) for part in found.parts],
        "up_to_date": sorted(needs.keys() - building),
        "share": round(found.share, 2),
        "guessed_counts": found.guessed,
    }
    return Result(_text(facts), facts)


def _text(facts: Mapping[str, Any]) -> str:
    if not facts["stages"]:
        return "all stages are up to date"
    named = [one | {"stage": one["stage"].replace("@", " ")} for one in facts["stages"]]
    measured = [one for one in named if one["seconds"] is not None]
    others = [one for one in named if one["seconds"] is None]
    lines = _columns([(one["stage"], one["what"], duration(one["seconds"])) for one in measured])
    lines.append(
        f"{duration(facts['seconds'])} in all, right within a factor of "
        f"{facts['within_factor']:.2g}; up to {facts['memory_bytes'] / 2**30:.2g} GiB of memory, "
        f"{facts['disk_bytes'] / 2**30:.2g} GiB of disk"
    )
    if others:
        texts = [f"{one['stage']} ({one['what']})" for one in others]
        lines.append(f"not in it: {', '.join(texts)}")
    if facts["share"] < ALONE:
        had = f"had {facts['share']:.0%} of its threads' time"
        alone = f"alone about {duration(facts['seconds_alone'])}"
        lines.append(f"other programs disturbed it: a training {had}; {alone}")
    if facts["guessed_counts"]:
        names = ", ".join(facts["guessed_counts"])
        lines.append(f"not downloaded yet, so that their number of images is a guess: {names}")
    if facts["up_to_date"]:
        lines.append(f"up to date, left out: {', '.join(facts['up_to_date'])}")
    return "\n".join(lines)


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    return [f"{a:{widths[0]}}  {b:{widths[1]}}  {c:>7}" for a, b, c in rows]
