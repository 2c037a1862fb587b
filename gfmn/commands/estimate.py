"""`gfmn estimate`: minutes, memory and disk that a study will take on this machine, measured."""

import argparse
import contextlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gfmn.commands.display import duration
from gfmn.commands.runs import add_runs, checked
from gfmn.common.arguments import Number
from gfmn.common.bounds import BATCH, PROCESSES, SIDE
from gfmn.common.devices import peak_memory
from gfmn.common.errors import InputError
from gfmn.inference.output import Result
from gfmn.study import stages
from gfmn.study.forecast import ESTIMATE, work

if TYPE_CHECKING:  # torch takes seconds to import
    from gfmn.study.estimate import Estimator

DESCRIPTION = """\
Measure what a study will take on this machine: minutes, memory and disk.

Every kind of training, statistics and scores is tried for a few steps, with random weights and
images of the right shapes, and extrapolated. Nothing is fetched, and downloads are not measured.
Stages that are up to date are left out. `gfmn run` then shows the time left by it.

With --batch, --devices or --image-size: what an update of one run takes there, by a model whose
constants are measured here (docs/scale.md).
"""
FACTOR = 1.5  # within which the total is taken to be right where nothing else runs
ALONE = 0.7  # of its threads' time that a training has where nothing else runs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.description = DESCRIPTION
    add_runs(parser)
    add = parser.add_argument
    add("--batch", type=Number(1, BATCH), help="of one run, in place of its own")
    add("--devices", type=Number(1, PROCESSES), help="as this one, which share the batch")
    add("--image-size", type=Number(1, SIDE), help="in place of the data set's")
    gigabytes = "GB a second between two devices (default: %(default)s)"
    add("--bandwidth", type=Number(1e-3, 1e6, float), default=10.0, help=gigabytes)


def run(arguments: argparse.Namespace) -> Result:
    """Measure; returns a table of stages, the total, memory and disk."""
    folder: Path = arguments.study
    params, study = checked(arguments)
    # They import torch, which takes seconds: a wrong file has failed by now.
    from gfmn.common.devices import keep_freed_memory
    from gfmn.study.estimate import Estimator

    keep_freed_memory()
    if arguments.batch or arguments.devices or arguments.image_size:
        with contextlib.chdir(folder), tempfile.TemporaryDirectory(prefix="gfmn-") as scratch:
            estimator = Estimator(study, params, str(folder / "params.yaml"), Path(scratch))
            return _update(estimator, arguments)
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


def _update(estimator: "Estimator", arguments: argparse.Namespace) -> Result:
    """The constants of one run's updates, and what the model says of other ones."""
    names = arguments.runs or [*estimator.study.runs]
    if len(names) != 1 or names[0] not in estimator.study.runs:
        known = ", ".join(estimator.study.runs)
        raise InputError(f"RUN: expected one of {known}, found {', '.join(names)}")
    config, costs = estimator.study.runs[names[0]], estimator.costs(names[0])
    batch, devices = arguments.batch or config.batch, arguments.devices or 1
    size = arguments.image_size or costs.size
    seconds = costs.seconds(batch, devices, size, arguments.bandwidth * 1e9)
    facts = {
        "run": names[0],
        "constants": costs._asdict(),
        "batch": batch,
        "devices": devices,
        "image_size": size,
        "seconds": seconds,
        "memory_bytes": costs.memory(batch, devices, size),
    }
    lines = (
        f"measured at {costs.size} px: {costs.fixed:.3g} s an update and {costs.image:.3g} s an "
        f"image; {costs.held / 2**20:,.0f} MiB and {costs.image_bytes / 2**20:.2f} MiB an image",
        f"batch {batch:,} of {size} px on {devices} devices: {seconds:.3g} s an update, "
        f"{facts['memory_bytes'] / 2**30:.2g} GiB a device",
    )
    return Result("\n".join(lines), facts)


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
        # Threads that wait for one that was put aside lose more than their share.
        alone = f"alone at most {duration(facts['seconds_alone'])}"
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
