"""The seeds of a run that diverged, each with its step: `diverged.json` in the run's folder."""

from collections.abc import Mapping
from pathlib import Path

from gfmn.common import json_reader, paths, stage
from gfmn.common.errors import InputError


def write(run: str, steps: Mapping[int, int]) -> None:
    """Write the file of a run of this study: the step by seed."""
    stage.write_json(paths.diverged(run), {str(seed): step for seed, step in steps.items()})


def read(study: Path, run: str) -> dict[int, int]:
    """Step by seed; empty without a file. Raises `InputError` for other keys and values."""
    path = study / paths.diverged(run)
    found = json_reader.read(path) if path.is_file() else {}
    for seed, step in found.items():
        if not (seed.isascii() and seed.isdigit() and type(step) is int and step > 0):
            raise InputError(f"{path}: expected a step by seed, found {seed!r:.20}: {step!r:.20}")
    return {int(seed): step for seed, step in found.items()}
