"""The files of a run: history, sample grids, snapshots and the folder of its generator."""

import io
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from gfmn import generators
from gfmn.common.files import replacing
from gfmn.common.images import grid
from gfmn.generators.sampling import fixed_grid
from gfmn.runtime.checkpoints import Checkpoints
from gfmn.training.schedule import Schedule
from gfmn.training.trainable import Trainable

COLUMNS = ("step", "images", "lr")  # of every history, and then those of what is trained


@dataclass(frozen=True)
class Files:
    """Where the files of a run go."""

    model: Path  # a folder: generator.safetensors, config.json, grids/step-<n>.png, snapshots/
    history: Path  # TSV, a row of the loss and more every `log_every` steps and at every snapshot
    checkpoints: Checkpoints  # grids and snapshots of a run under way are in their folder
    save_every: float = 300.0  # seconds between checkpoints, about
    live: Path | None = None  # a copy of the newest grid, to watch a run by
    # Those of the run under way that the disk had no room for.
    unwritten: dict[Path, bytes] = field(default_factory=dict)

    def grid(self, step: int) -> Path:
        """The sample grid of a step, while the run is under way."""
        return self.checkpoints.folder / "grids" / f"step-{step:06d}.png"

    def snapshot(self, step: int) -> Path:
        """The generator of a step, while the run is under way."""
        return self.checkpoints.folder / "snapshots" / f"step-{step:06d}.safetensors"

    def keep(self, path: Path, data: bytes) -> None:
        """Write a grid or a snapshot; without room on the disk the run goes on and has it."""
        try:
            with replacing(path) as partial:
                partial.write_bytes(data)
        except OSError as error:
            self.checkpoints.warn_of_disk(path, error)
            self.unwritten[path] = data

    def kept(self, config: Schedule, done: int) -> list[Path]:
        """The grids and snapshots that a run has made when `done` steps are done."""
        snapshots = [self.snapshot(step) for step in snapshot_steps(config) if step <= done]
        return [*(self.grid(step) for step in grid_steps(config, done)), *snapshots]


def grid_steps(config: Schedule, done: int) -> list[int]:
    """The steps that have a grid when `done` steps are done."""
    steps = list(range(config.grid_every, done + 1, config.grid_every))
    return steps if done < config.steps or done in steps else [*steps, done]


def snapshot_steps(config: Schedule) -> list[int]:
    """The steps whose generators are kept: evenly spaced, the last of the run among them."""
    return [config.steps * i // config.snapshots for i in range(1, config.snapshots + 1)]


def save_grid(trainer: Trainable, files: Files, step: int) -> None:
    """The images of the run's fixed noise, 8 x 8, and a copy where a run is watched."""
    images = fixed_grid(trainer.result, trainer.config.latent, trainer.seed)
    png = io.BytesIO()
    Image.fromarray(grid(images, columns=8)).save(png, "PNG")
    files.keep(files.grid(step), png.getvalue())
    if files.live:
        with suppress(OSError), replacing(files.live) as partial:
            partial.write_bytes(png.getvalue())


def save_snapshot(trainer: Trainable, files: Files, step: int) -> None:
    """The generator as it is now, the average where there is one."""
    files.keep(files.snapshot(step), generators.dump(trainer.result))


def write_history(path: Path, columns: Sequence[str], rows: list[str]) -> None:
    """The whole history, in place of what there was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\t".join((*COLUMNS, *columns)) + "\n" + "".join(rows))


def write_model(
    name: str, trainer: Trainable, files: Files, facts: Mapping[str, Any] | None = None
) -> None:
    """The generator, its description with `facts`, the grids and the snapshots."""
    weights = ["generator.safetensors"]
    for path in files.kept(trainer.config, trainer.config.steps):
        if path.suffix == ".safetensors":
            weights.append(f"{path.parent.name}/{path.name}")
        folder = files.model / path.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        data = files.unwritten.get(path)
        (folder / path.name).write_bytes(path.read_bytes() if data is None else data)
    generators.save(trainer.result, files.model / "generator.safetensors")
    config = {"run": name, **trainer.describe(), **(facts or {})}
    config[generators.DIGESTS] = generators.digests(files.model, weights)
    text = json.dumps(config, indent=2, sort_keys=True)
    (files.model / "config.json").write_text(text + "\n")
