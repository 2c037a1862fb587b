"""`gfmn track`: histories, sample grids and scores of a study, sent to an experiment tracker.

It reads what the stages write, while they run or later; nothing in training knows of it.
"""

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gfmn.common import json_reader, parameters
from gfmn.common.errors import InputError
from gfmn.common.images import read_image
from gfmn.common.runs import run_rows
from gfmn.inference.output import Result
from gfmn.study.watch import read_history

SECONDS = 10.0  # between two looks


class Tracker(Protocol):
    """One run's record in a tracker."""

    def numbers(self, values: Mapping[str, float], step: int) -> None:
        """Numbers by name at a step."""

    def image(self, name: str, pixels: np.ndarray, step: int) -> None:
        """H x W x 3 uint8 at a step."""

    def close(self) -> None:
        """All that was sent is kept."""


class TensorBoard:
    """A folder of events: `tensorboard --logdir <folder>`."""

    def __init__(self, study: Path, run: str, config: Mapping[str, Any]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(study / "data/tensorboard" / run))
        self.writer.add_text("parameters", f"```\n{json.dumps(config, indent=2)}\n```")

    def numbers(self, values: Mapping[str, float], step: int) -> None:
        """See `Tracker`."""
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)

    def image(self, name: str, pixels: np.ndarray, step: int) -> None:
        """See `Tracker`."""
        self.writer.add_image(name, pixels, step, dataformats="HWC")

    def close(self) -> None:
        """See `Tracker`."""
        self.writer.close()


class WandbLike:
    """Trackio and Weights & Biases, which have one interface."""

    def __init__(self, module: str, study: Path, run: str, config: Mapping[str, Any]) -> None:
        from importlib import import_module

        self.library = import_module(module)
        project = study.resolve().name
        self.run = self.library.init(project=project, name=run, config=dict(config))

    def numbers(self, values: Mapping[str, float], step: int) -> None:
        """See `Tracker`."""
        self.library.log(dict(values), step=step)

    def image(self, name: str, pixels: np.ndarray, step: int) -> None:
        """See `Tracker`."""
        self.library.log({name: self.library.Image(pixels)}, step=step)

    def close(self) -> None:
        """See `Tracker`."""
        self.library.finish()


class MLflow:
    """A run of MLflow, on the server that MLFLOW_TRACKING_URI names."""

    def __init__(self, study: Path, run: str, config: Mapping[str, Any]) -> None:
        import mlflow

        self.library = mlflow
        mlflow.set_experiment(study.resolve().name)
        mlflow.start_run(run_name=run)
        mlflow.log_params({key: str(value)[:500] for key, value in config.items()})

    def numbers(self, values: Mapping[str, float], step: int) -> None:
        """See `Tracker`."""
        self.library.log_metrics(dict(values), step=step)

    def image(self, name: str, pixels: np.ndarray, step: int) -> None:
        """See `Tracker`."""
        self.library.log_image(pixels, key=name, step=step)

    def close(self) -> None:
        """See `Tracker`."""
        self.library.end_run()


TRACKERS: dict[str, Any] = {
    "tensorboard": TensorBoard,
    "trackio": lambda *words: WandbLike("trackio", *words),
    "wandb": lambda *words: WandbLike("wandb", *words),
    "mlflow": MLflow,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.description = "Send a study's histories, sample grids and scores to a tracker."
    study = "its folder (default: the current one)"
    parser.add_argument("study", type=Path, nargs="?", default=Path(), metavar="STUDY", help=study)
    parser.add_argument("--to", required=True, choices=TRACKERS, help="the tracker")
    parser.add_argument("--follow", action="store_true", help="and what is still to come")


def run(arguments: argparse.Namespace) -> Result:
    """Send it all; with `--follow` until interrupted. Returns how much was sent."""
    study: Path = arguments.study
    path = study / "params.yaml"
    rows = run_rows(parameters.read(path), str(path))
    sent = _follow(study, rows, arguments.to) if arguments.follow else 0
    for name in () if arguments.follow else rows:
        for seed, history in _histories(study, name).items():
            sent += _send(study, name, seed, history, rows[name], arguments.to)
    if not sent:
        raise InputError(f"{study / 'reports/history'}: expected histories of runs, found none")
    return Result(f"{sent:,} rows sent to {arguments.to}", {"rows": sent, "to": arguments.to})


def _histories(study: Path, run: str) -> dict[str, Path]:
    return {path.stem: path for path in sorted((study / f"reports/history/{run}").glob("*.tsv"))}


def _send(
    study: Path, run: str, seed: str, history: Path, config: Mapping[str, Any], to: str
) -> int:
    """One seed from its beginning to its end."""
    tracker = _open(to, study, f"{run}-{seed}", config)
    rows = read_history(history)
    for step, values in rows:
        tracker.numbers(values, step)
    _send_grids(tracker, _grids(study, run, seed))
    last = rows[-1][0] if rows else 0
    for path in sorted((study / "reports/metrics").glob(f"{run}-*.json")):
        scores = json_reader.read(path, "scores")
        tracker.numbers({k: v for k, v in scores.items() if isinstance(v, int | float)}, last)
    tracker.close()
    return len(rows)


def _follow(study: Path, rows: Mapping[str, Any], to: str) -> int:
    """Every new row of every history, until interrupted: runs train one after another."""
    seen: dict[str, int] = {}
    current, tracker, sent = "", None, 0
    try:
        while True:
            for run in rows:
                for seed, history in _histories(study, run).items():
                    name = f"{run}-{seed}"
                    new = [row for row in read_history(history) if row[0] > seen.get(name, 0)]
                    if new and name != current:
                        if tracker:
                            tracker.close()
                        current, tracker = name, _open(to, study, name, rows[run])
                    for step, values in new:
                        assert tracker is not None
                        tracker.numbers(values, step)
                        seen[name], sent = step, sent + 1
            time.sleep(SECONDS)
    except KeyboardInterrupt:
        if tracker:
            tracker.close()
    return sent


def _open(to: str, study: Path, name: str, config: Mapping[str, Any]) -> Tracker:
    try:
        tracker: Tracker = TRACKERS[to](study, name, config)
    except ImportError as error:
        raise InputError(f"--to {to}: {error}; pip install 'gfmn[{to}]'") from None
    return tracker


def _grids(study: Path, run: str, seed: str) -> dict[int, Path]:
    folder = study / f"data/models/{run}/{seed}/grids"
    return {int(path.stem.removeprefix("step-")): path for path in sorted(folder.glob("*.png"))}


def _send_grids(tracker: Tracker, grids: Mapping[int, Path]) -> None:
    for step, path in grids.items():
        tracker.image("samples", read_image(path), step)
