"""A study of one run of several seeds. As a script: one of the processes of its training."""

import hashlib
import json
import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import train
from builders.training import Taps32, real
from ruamel.yaml import YAML

from gfmn import generators
from gfmn.common import stage
from gfmn.features import statistics
from gfmn.training import seeds
from gfmn.training.trainer import Trainer

ROOT = Path(__file__).resolve().parents[2]
MODULES = os.pathsep.join(map(str, (ROOT, ROOT / "stages", ROOT / "tests")))  # their folders
STEPS = 5
ROW: dict[str, Any] = {
    **{"dataset": "d", "extractor": "e", "steps": STEPS, "batch": 8, "latent": 8, "lr": 1e-3},
    **{"precision": "fp32", "log_every": 2, "grid_every": 2, "lr_hold_fraction": 0.5, "ema": 0.9},
    **{"ama": {"rate": 1e-2, "init": "uniform"}},
}
SAMPLING = {"count": 300, "seed": 1, "batchnorm": "running"}


def load_network(*arguments: Any) -> Taps32:
    """In place of an extractor file's."""
    return Taps32()


class Study:
    """A study of one run, `x`, in a folder of its own: all that its training reads is there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.steps: list[tuple[int, int]] = []  # that were taken: seed and step
        images = np.random.default_rng(0).integers(0, 256, (64, 32, 32, 3), dtype=np.uint8)
        measured = real(Taps32(), images)
        metadata = {**measured.metadata, "image_size": 32, "groups": {}}
        path = folder / "data/stats/d-e-eval.safetensors"
        statistics.save(statistics.Statistics(metadata, measured.mean, measured.variance), path)
        generators.save_decoder(None, folder / "data/decoders/none.safetensors")

    def write(self, seeds: list[int], **changes: Any) -> None:
        params = {"runs": {"x": {**ROW, "seeds": seeds, **changes}}, "sampling": SAMPLING}
        with (self.folder / "params.yaml").open("w") as file:
            YAML().dump(params, file)
        os.chdir(self.folder)
        self.steps.clear()

    def train(self, seeds: list[int], **changes: Any) -> dict[str, str]:
        """Run the stage; returns every file that it is for, with its digest."""
        self.write(seeds, **changes)
        train.main("x")
        return self.files()

    def files(self) -> dict[str, str]:
        folders = [self.folder / name for name in ("data/models/x", "reports/history/x")]
        found = sorted(path for folder in folders for path in folder.rglob("*.*"))
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in found
        }

    def timing(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "data/timings/train-x.json").read_text())
        assert found.pop("peak_mib") > 100  # torch alone takes that
        return found


def of_seed(files: Mapping[str, str], seed: int) -> dict[str, str]:
    """Those of one seed: weights, description, three grids and a history."""
    found = {path: digest for path, digest in files.items() if f"/seed-{seed}" in path}
    assert len(found) == 6
    return found


def studies(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Study]:
    """Makes studies by name in a folder; each notes the steps that its training takes."""
    monkeypatch.setattr(seeds, "load_extractor", load_network)
    monkeypatch.setattr(train, "keep_freed_memory", lambda: None)  # for all tests after this one
    monkeypatch.delenv("GFMN_SCRATCH", raising=False)
    monkeypatch.chdir(folder)
    step = Trainer.step

    def noted(trainer: Trainer, number: int) -> None:
        made[Path.cwd()].steps.append((trainer.config.seed, number))
        step(trainer, number)

    monkeypatch.setattr(Trainer, "step", noted)
    made: dict[Path, Study] = {}

    def make(name: str = "study") -> Study:
        made[folder / name] = Study(folder / name)
        return made[folder / name]

    return make


def in_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a training of several processes start this file, once a process."""
    monkeypatch.setattr(train, "__file__", __file__)
    monkeypatch.setenv("PYTHONPATH", MODULES)


def stop_in(monkeypatch: pytest.MonkeyPatch, seed: int, done: int) -> None:
    """Send this process SIGTERM while a seed's step is under way."""
    step = Trainer.step

    def stopped(trainer: Trainer, number: int) -> None:
        step(trainer, number)
        if (trainer.config.seed, number + 1) == (seed, done):
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(Trainer, "step", stopped)


def every_step(*seeds: int) -> list[tuple[int, int]]:
    return [(seed, step) for seed in seeds for step in range(STEPS)]


if __name__ == "__main__":
    seeds.load_extractor = load_network  # type: ignore[assignment]
    stage.run(train.main, locks=False)
