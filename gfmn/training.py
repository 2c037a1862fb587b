"""Training: a generator follows an objective's gradient through frozen networks.

No real image is read: the real side is a few megabytes of statistics.
"""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import torch
from PIL import Image
from pydantic import Field, field_validator
from torch import nn

from gfmn import generators, objectives
from gfmn.config import Config
from gfmn.devices import autocast, default_device, resolve_precision
from gfmn.errors import InputError
from gfmn.extractors import Extractor
from gfmn.images import grid, signed_to_unit
from gfmn.noise import Purpose, noise
from gfmn.progress import Progress
from gfmn.sampling import fixed_grid
from gfmn.statistics import Statistics


class TrainingConfig(Config):
    """All that decides a trained generator; the defaults are the paper's where it gives them."""

    dataset: str
    extractor: str
    taps: Literal["all"] | int | tuple[str, ...] = "all"  # of each network: all, first n, or names
    generator: Literal["dcgan", "resnet"] = "dcgan"
    latent: int = Field(100, ge=1)  # n_z
    objective: Literal["ama", "ma", "l2", "running"] = "ama"
    ama: objectives.AMAConfig = objectives.AMAConfig()
    ma: objectives.MAConfig = objectives.MAConfig()
    running: objectives.RunningConfig = objectives.RunningConfig()
    steps: int = Field(ge=1)  # generator updates
    batch: int = Field(64, ge=2)  # minibatch N
    lr: float = Field(1e-4, gt=0)  # the generator's ADAM
    beta1: float = Field(0.5, ge=0, lt=1)  # the published code's
    beta2: float = Field(0.999, ge=0, lt=1)
    hold: float = Field(1.0, ge=0, le=1)  # share of the steps at full lr; then linearly to 0
    precision: Literal["auto", "fp32", "bf16"] = "auto"  # of the networks and the generator
    seed: int = Field(0, ge=0)
    log_every: int = Field(10, ge=1)  # steps between rows of the history
    grid_every: int = Field(100, ge=1)  # steps between sample grids

    @field_validator("taps")
    @classmethod
    def _positive(cls, taps: object) -> object:
        if isinstance(taps, int) and taps < 1:
            raise ValueError("expected 'all', a number of taps from 1 on, or a list of names")
        return taps


def learning_rate(config: TrainingConfig, step: int) -> float:
    """The generator's rate at a step (from 0): constant, then linear to 0 at the end."""
    held = config.hold * config.steps
    if step < held or held >= config.steps:
        return config.lr
    return config.lr * (config.steps - step) / (config.steps - held)


class Trainer:
    """A generator, an objective and an optimiser; `step` takes them one update further."""

    def __init__(
        self, config: TrainingConfig, extractor: Extractor, statistics: Statistics, image_size: int
    ) -> None:
        self.config, self.extractor, self.image_size = config, extractor, image_size
        self.device = next(extractor.parameters()).device
        torch.manual_seed(config.seed)  # the initial weights; noise never comes from it
        generator = generators.build(config.generator, image_size, config.latent)
        self.generator: nn.Module = generator.to(self.device)
        self.precision = resolve_precision(config.precision, dense=True, device=self.device)
        self.objective = objectives.build(
            config.objective,
            statistics.target(extractor.taps, self.device),
            config.ama,
            config.ma,
            config.running,
            config.seed,
        )
        self.optimiser = torch.optim.Adam(
            self.generator.parameters(),
            lr=config.lr,
            betas=(config.beta1, config.beta2),
            fused=True,
        )

    def step(self, step: int) -> None:
        """One update: generate, extract, take the objective's gradient back to the weights."""
        config = self.config
        self.optimiser.param_groups[0]["lr"] = learning_rate(config, step)
        z = noise(config.seed, Purpose.TRAINING, step, config.batch, config.latent).to(self.device)
        with autocast(self.precision, self.device):
            images = self.generator(z)
        taps = self.extractor(signed_to_unit(images))
        torch.autograd.backward(taps, self.objective.gradients(taps))
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)


def train(
    config: TrainingConfig,
    name: str,
    extractor: Extractor,
    statistics: Statistics,
    image_size: int,
    folder: Path,
    history: Path,
) -> float:
    """Train a run from its start to its end; returns generator updates a second.

    Writes `generator.safetensors`, `config.json` and `grids/step-<n>.png` (the images of one
    fixed noise) into `folder`, and a row of loss every so often into the TSV file `history`.
    """
    trainer = Trainer(config, extractor, statistics, image_size)
    trainer.generator.train()
    (folder / "grids").mkdir(parents=True, exist_ok=True)
    history.parent.mkdir(parents=True, exist_ok=True)
    with (
        history.open("w") as log,
        Progress(f"train {name}", config.steps, "steps") as progress,
    ):
        log.write("step\timages\tlr\tloss\n")
        for step in range(config.steps):
            trainer.step(step)
            done = step + 1
            if done % config.log_every == 0 or done == config.steps:
                loss = trainer.objective.loss()
                _check_finite(loss, name, done)
                rate = learning_rate(config, step)
                log.write(f"{done}\t{done * config.batch}\t{rate:.6g}\t{loss:.6g}\n")
                progress.advance(0, loss=loss)
            if done % config.grid_every == 0 or done == config.steps:
                _save_grid(trainer, folder / "grids" / f"step-{done:06d}.png")
            progress.advance(1)
    generators.save(trainer.generator, folder / "generator.safetensors")
    description = json.dumps(describe(trainer, name, statistics), indent=2, sort_keys=True)
    (folder / "config.json").write_text(description + "\n")
    return progress.rate


def _check_finite(loss: float, name: str, step: int) -> None:
    if not math.isfinite(loss):
        raise InputError(
            f"runs.{name}: expected a finite loss, found {loss} at step {step}; a lower lr may help"
        )


def _save_grid(trainer: Trainer, path: Path) -> None:
    pictures = fixed_grid(trainer.generator, trainer.config.latent, trainer.config.seed)
    Image.fromarray(grid(pictures, columns=8)).save(path)


def describe(trainer: Trainer, name: str, statistics: Statistics) -> dict[str, Any]:
    """What a generator is and how it came to be: parameters, taps, statistics, final gaps."""
    config, taps = trainer.config, trainer.extractor.taps
    gaps: Iterator[tuple[float, float]] = iter(trainer.objective.gaps())
    return {
        "run": name,
        "generator": config.generator,
        "image_size": trainer.image_size,
        "latent": config.latent,
        "parameters": config.model_dump(mode="json"),
        "generator_parameters": sum(p.numel() for p in trainer.generator.parameters()),
        "features": trainer.objective.target.layout.features,
        "taps": [{"name": tap.name, "shape": list(tap.shape)} for tap in taps],
        "gaps": [
            {"tap": tap.name, "mean_gap": float(f"{m:.6g}"), "std_gap": float(f"{s:.6g}")}
            for tap, (m, s) in zip(taps, gaps, strict=True)
        ],
        "precision": {**trainer.extractor.precision, "generator": trainer.precision},
        "device": default_device().type,
        "statistics": statistics.about,
    }
