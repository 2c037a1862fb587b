"""Try values of a run's parameters and score each, without touching the pipeline's outputs.

    gfmn search vgg16 --steps 200 lr=5e-4,1e-3,2e-3 ama.rate=1e-3,1e-2

One row for every combination: the Fréchet distance and the Inception-style score of samples in
the space of the run's first evaluation, and equation 1's loss. Reads the study in the current
folder, whose statistics and reference must be there (`dvc repro extract-stats reference`). Append
the rows to docs/search.md when they decide a default.
"""

import argparse
import copy
import itertools
import json
import sys
from pathlib import Path
from typing import Any

from PIL import Image

from gfmn.common import paths, stage
from gfmn.common.devices import default_device, keep_freed_memory
from gfmn.common.errors import InputError
from gfmn.common.images import grid
from gfmn.common.progress import Progress
from gfmn.features import statistics
from gfmn.features.extractor import load_extractor
from gfmn.generators.sampling import sample
from gfmn.metrics import reference
from gfmn.metrics.class_score import class_score
from gfmn.metrics.evaluator import Evaluator, load_evaluator
from gfmn.metrics.frechet import frechet_to
from gfmn.metrics.scores import Real
from gfmn.runtime.distributed import World
from gfmn.study import RunConfig
from gfmn.training.trainer import Trainer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = __doc__
    parser.add_argument("run")
    parser.add_argument("grid", nargs="*", help="field=value,value or group.field=value,value")
    parser.add_argument("--steps", type=int, help="in place of the run's own")
    parser.add_argument("--grids", type=Path, help="a folder for a sample grid of each")


def run(options: argparse.Namespace) -> str:
    """Try each combination; rows are printed as they are made."""
    keep_freed_memory()
    params = stage.read_params()
    fields = [word.partition("=")[::2] for word in options.grid]
    names = [name for name, _ in fields]
    print(*names, "steps", "fd", "score", "loss", "steps/s", sep="\t", flush=True)
    for values in itertools.product(*(text.split(",") for _, text in fields)):
        row = copy.deepcopy(params["runs"][options.run])
        if options.steps:
            row["steps"] = options.steps
        for name, value in zip(names, values, strict=True):
            group, _, field = name.rpartition(".")
            (row[group] if group else row)[field] = _plain(value)
        config = RunConfig.parse(row, f"{stage.PARAMS}: runs.{options.run}")
        target = _target(params, options.run)
        print(*values, config.steps, *_try(config, target, options.grids, values), sep="\t")
        sys.stdout.flush()
    return ""


def _plain(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _target(params: Any, run: str) -> tuple[Evaluator, Real]:
    """The evaluator of the run's first evaluation, and the real images."""
    rows = [row for row in params["evaluations"].values() if row["run"] == run]
    if not rows:
        raise InputError(f"{stage.PARAMS}: evaluations: expected a row of {run!r}, found none")
    dataset, evaluator = rows[0]["dataset"], rows[0]["evaluator"]
    real = reference.load(paths.reference(dataset, evaluator), {})
    return load_evaluator(paths.evaluator(evaluator)), real.real


def _try(
    config: RunConfig, target: tuple[Evaluator, Real], folder: Path | None, values: tuple[str, ...]
) -> tuple[str, ...]:
    place = paths.statistics(config.dataset, config.extractor, config.batchnorm)
    real = statistics.load(place)
    size = real.about["image_size"]
    path = paths.extractor(config.extractor)
    world = World(device=default_device())
    extractor = load_extractor(
        path, size, config.taps, config.precision, world, batchnorm=config.batchnorm
    )
    trainer = Trainer(config.each()[0], extractor, real, size)
    with Progress("search", config.steps, "steps", every=1e9) as progress:
        for step in range(config.steps):
            trainer.step(step)
            progress.advance()
    images = sample(trainer.result, config.latent, config.sample)
    evaluator, against = target
    found = evaluator.features(images)
    score = "" if found.logits is None else f"{class_score(found.logits)[0]:.2f}"
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(grid(images[:64], 16)).save(folder / f"{'_'.join(values)}.png")
    return (
        f"{frechet_to(found.pooled, against.gaussian):.1f}",
        score,
        f"{trainer.objective.loss():.4g}",
        f"{progress.rate:.2f}",
    )
