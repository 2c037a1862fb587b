"""`gfmn search`: values of a run's parameters tried and scored, the study's outputs untouched.

    gfmn search vgg16 --steps 200 lr=5e-4,1e-3,2e-3 ama.rate=1e-3,1e-2

One row for every combination: the Fréchet distance and the Inception-style score of samples in
the space of the run's first evaluation, and equation 1's loss. Reads the study in the current
folder, whose statistics and reference must be there (`dvc repro extract-stats reference`).
"""

import argparse
import copy
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from gfmn.common import json_reader, paths, runs, stage
from gfmn.common.arguments import Number
from gfmn.common.bounds import STEPS
from gfmn.common.devices import default_device, keep_freed_memory
from gfmn.common.errors import InputError
from gfmn.common.images import grid
from gfmn.common.progress import Progress
from gfmn.features import statistics
from gfmn.features.extractor import load_extractor
from gfmn.generators.sampling import SampleConfig, SamplingConfig, sample
from gfmn.inference.output import Result
from gfmn.metrics import reference
from gfmn.metrics.class_score import class_score
from gfmn.metrics.evaluator import Evaluator, load_evaluator
from gfmn.metrics.frechet import frechet_to
from gfmn.metrics.gaussian import Gaussian
from gfmn.runtime.distributed import World
from gfmn.training.config import TrainingConfig
from gfmn.training.trainer import Inputs, Trainer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("run", metavar="RUN", help="the run's name in params.yaml")
    values = "field=value,value or group.field=value,value"
    parser.add_argument("fields", metavar="FIELD", nargs="*", help=values)
    parser.add_argument("--steps", type=Number(1, STEPS), help="in place of the run's own")
    parser.add_argument("--grids", type=Path, help="a folder for a sample grid of each")


def run(arguments: argparse.Namespace) -> Result:
    """Print a row as soon as it is known; returns how many there were."""
    keep_freed_memory()
    params = stage.read_params()
    row, where = runs.run_row(params, arguments.run, str(stage.PARAMS), "runs")
    sampling = SamplingConfig.parse(*stage.optional_section("sampling")).of(arguments.run)
    evaluator, real = _evaluation(params, arguments.run)
    fields = [word.partition("=")[::2] for word in arguments.fields]
    columns = [*(name for name, _ in fields), "steps", "fd", "score", "loss", "steps/s"]
    show = print if not (arguments.json or arguments.quiet) else _nothing
    show(*columns, sep="\t")
    steps = {"steps": arguments.steps} if arguments.steps else {}
    rows = []
    for texts in itertools.product(*(text.split(",") for _, text in fields)):
        values = {name: _plain(text) for (name, _), text in zip(fields, texts, strict=True)}
        config = TrainingConfig.parse(changed(row, steps | values), where)
        images, *figures = _train(config, sampling)
        scores = _scores(images, evaluator, real)
        rows.append([*texts, str(config.steps), *scores, *figures])
        show(*rows[-1], sep="\t", flush=True)
        if arguments.grids:
            arguments.grids.mkdir(parents=True, exist_ok=True)
            path = arguments.grids / f"{'_'.join(texts) or arguments.run}.png"
            Image.fromarray(grid(images[:64], 16)).save(path)
    found = [
        {name: _plain(text) for name, text in zip(columns, row, strict=True) if text}
        for row in rows
    ]
    return Result(f"{len(rows)} trainings", found)


def _nothing(*_: object, **options: object) -> None:
    """In place of `print`."""


def changed(row: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A run's parameters with some other values; `group.field` names a field of a group."""
    result: dict[str, Any] = copy.deepcopy(dict(row))
    for name, value in values.items():
        group, _, field = name.rpartition(".")
        (result.setdefault(group, {}) if group else result)[field] = value
    return result


def _plain(text: str) -> Any:
    try:
        return json_reader.loads(text)
    except ValueError:
        return text


def _evaluation(params: Mapping[str, Any], run: str) -> tuple[Evaluator, Gaussian]:
    """The evaluator of the run's first evaluation, and the real images' Gaussian."""
    rows = [row for row in params.get("evaluations", {}).values() if row["run"] == run]
    if not rows:
        raise InputError(f"{stage.PARAMS}: evaluations: expected a row of {run!r}, found none")
    dataset, evaluator = rows[0]["dataset"], rows[0]["evaluator"]
    real = reference.load(paths.reference(dataset, evaluator), {})
    return load_evaluator(paths.evaluator(evaluator)), real.real.gaussian


def _train(config: TrainingConfig, sampling: SampleConfig) -> tuple[Any, str, str]:
    """One training: its samples, its loss, its steps a second."""
    path = paths.statistics(config.dataset, config.extractor, config.batchnorm)
    real = statistics.load(path)
    size = real.metadata["image_size"]
    extractor = load_extractor(
        paths.extractor(config.extractor),
        size,
        config.taps,
        config.precision,
        World(device=default_device()),
        batchnorm=config.batchnorm,
    )
    trainer = Trainer(config.each()[0], Inputs(extractor, real))
    with Progress("search", config.steps, "steps", every=1e9) as progress:
        for step in range(config.steps):
            trainer.step(step)
            progress.advance()
    images = sample(trainer.result, config.latent, sampling)
    return images, f"{trainer.objective.monitor.loss():.4g}", f"{progress.rate:.2f}"


def _scores(images: Any, evaluator: Evaluator, real: Gaussian) -> tuple[str, str]:
    """Fréchet distance and Inception-style score; the latter empty without a classifier."""
    features = evaluator.features(images)
    logits = features.logits
    score = "" if logits is None else f"{class_score(logits)[0]:.2f}"
    return f"{frechet_to(features.pooled, real):.1f}", score
