"""Loss and Fréchet distance at several steps of a training, read from their files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from gfmn.common import paths
from gfmn.common.errors import InputError
from gfmn.reporting.records import Record
from gfmn.reporting.score_files import read_table

COLUMNS = ("step", "loss", "distance")


class SeedSnapshots(Record):
    """One seed's snapshots in the order of their steps, at least one."""

    seed: int
    step: tuple[int, ...] = Field(min_length=1)
    loss: tuple[float, ...]  # equation 1
    distance: tuple[float, ...]
    rank_correlation: float | None  # of loss and distance; None where one of them is constant


class Snapshots(Record):
    """`data/scores/snapshots-<run>-<evaluator>.parquet`: a run's snapshots in a feature space."""

    run: str
    dataset: str
    evaluator: str
    score: str  # the distance's name: fd_lite2_5k
    title: str  # in words
    count: int  # samples of each snapshot
    n_reference: int
    seeds: tuple[SeedSnapshots, ...] = Field(min_length=1)


def read_snapshots(folder: Path, section: Mapping[str, Any]) -> dict[str, Snapshots]:
    """Those of the parameter file's section `snapshots` whose files are in a study's folder.

    Raises `InputError` for a file that is malformed, or not of its row's run and feature space.
    """
    files = {name: folder / paths.scores(f"snapshots-{name}") for name in section}
    return {name: _read(path, section[name]) for name, path in files.items() if path.exists()}


def _read(path: Path, entry: Mapping[str, Any]) -> Snapshots:
    rows, facts = read_table(path, ("seed", "count", *COLUMNS))
    for seed in facts["seeds"]:
        own = [row for row in rows if row["seed"] == seed["seed"]]
        seed |= {column: [row[column] for row in own] for column in COLUMNS}
    count = rows[0]["count"] if rows else None
    found = Snapshots.parse({**facts, "count": count}, f"{path}: $")
    for key in ("run", "dataset", "evaluator"):
        if getattr(found, key) != entry[key]:
            expected, other = entry[key], getattr(found, key)
            raise InputError(f"{path}: $.{key}: expected {expected!r}, found {other!r}")
    return found
