"""`gfmn search`: values of a run's parameters tried and scored, the study's outputs untouched.

    gfmn search vgg16 --steps 200 lr=5e-4,1e-3,2e-3 ama.rate=1e-3,1e-2

One row for every trial: the Fréchet distance and the Inception-style score of samples in the space
of the run's first evaluation, and equation 1's loss. Reads the study in the current folder, whose
statistics and reference must be there (`dvc repro extract-stats reference`). The same command
again resumes a search that was stopped.
"""

import argparse
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from gfmn.common import paths, runs, stage
from gfmn.common.arguments import Number
from gfmn.common.bounds import COUNT, SEEDS, STEPS
from gfmn.common.devices import default_device, keep_freed_memory
from gfmn.common.errors import InputError
from gfmn.common.images import grid
from gfmn.common.locks import locked
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
from gfmn.networks.extractor_file import file_digest
from gfmn.runtime.checkpoints import code_digest, fingerprint
from gfmn.runtime.distributed import World
from gfmn.sweeps import GRID, SAMPLERS
from gfmn.sweeps.points import Point, changed, choices
from gfmn.training.config import TrainingConfig
from gfmn.training.trainer import Inputs, Trainer

FOLDER = Path("data/searches")  # of a study; a file a run: its trials
FORMATS = {"fd": ".5g", "score": ".2f", "loss": ".4g", "steps/s": ".2f"}  # columns after steps


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("run", metavar="RUN", help="the run's name in params.yaml")
    values = "field=value,value or group.field=value,value; field=low..high where not a grid"
    parser.add_argument("fields", metavar="FIELD", nargs="*", help=values)
    parser.add_argument("--steps", type=Number(1, STEPS), help="in place of the run's own")
    parser.add_argument("--grids", type=Path, help="a folder for a sample grid of each")
    samplers = "every combination, at random, or Optuna's TPE (default: %(default)s)"
    parser.add_argument("--sampler", choices=(GRID, *SAMPLERS), default=GRID, help=samplers)
    trials = "how many in all (default: a whole grid)"
    parser.add_argument("--trials", type=Number(1, COUNT), help=trials)
    seed = "of what the sampler draws (default: %(default)s)"
    parser.add_argument("--seed", type=Number(0, SEEDS), default=0, help=seed)


def run(arguments: argparse.Namespace) -> Result:
    """Print the rows of trials that have ended, and each other as soon as it has; returns all."""
    from gfmn.sweeps.trials import Trials, check_fields

    keep_freed_memory()
    params, name, where = stage.read_params(), arguments.run, str(stage.PARAMS)
    runs.run_row(params, name, where, "runs")
    fields, sampler = choices(arguments.fields, "FIELD"), arguments.sampler
    if sampler != GRID and not arguments.trials:
        raise InputError(f"--trials: expected a number of trials for --sampler {sampler}")
    if arguments.steps:
        params = changed(params, name, {"steps": arguments.steps})
    check_fields(params, where, name, fields, sampler)
    config = TrainingConfig.parse(*runs.run_row(params, name, where, "runs"))
    sampling = SamplingConfig.parse(*stage.optional_section("sampling")).of(name)
    evaluator, real = _evaluation(params, name)
    facts = {
        "run": config.effective(),
        "fields": fields,
        "sampler": [sampler, arguments.seed],
        "sampling": sampling.model_dump(mode="json"),
        "real": [file_digest(_statistics(config)), real.mean.tolist()],
        "code": code_digest(),
    }

    def train(values: dict[str, Any]) -> dict[str, Any]:
        row, path = runs.run_row(changed(params, name, values), name, where, "runs")
        config = TrainingConfig.parse(row, path)
        images, loss, rate = _train(config, sampling)
        if arguments.grids:
            arguments.grids.mkdir(parents=True, exist_ok=True)
            path = arguments.grids / f"{Point(name, values).name}.png"
            Image.fromarray(grid(images[:64], 16)).save(path)
        found = (*_scores(images, evaluator, real), loss, rate)
        return values | {"steps": config.steps} | dict(zip(FORMATS, found, strict=True))

    show = print if not (arguments.json or arguments.quiet) else _nothing
    show(*fields, *({"steps"} - fields.keys()), *FORMATS, sep="\t")
    rows = []
    with locked(f"search-{name}"):
        trials = Trials(FOLDER / f"{name}.log", fingerprint(facts), fields, sampler, arguments.seed)
        for row in trials.run(arguments.trials, train):
            show(*(_text(column, value) for column, value in row.items()), sep="\t", flush=True)
            rows.append({column: value for column, value in row.items() if value is not None})
    return Result(f"{len(rows)} trainings", rows)


def _nothing(*_: object, **options: object) -> None:
    """In place of `print`."""


def _text(column: str, value: Any) -> str:
    return (
        "" if value is None else format(value, FORMATS[column]) if column in FORMATS else str(value)
    )


def _evaluation(params: Mapping[str, Any], run: str) -> tuple[Evaluator, Gaussian]:
    """The evaluator of the run's first evaluation, and the real images' Gaussian."""
    rows = [row for row in params.get("evaluations", {}).values() if row["run"] == run]
    if not rows:
        raise InputError(f"{stage.PARAMS}: evaluations: expected a row of {run!r}, found none")
    dataset, evaluator = rows[0]["dataset"], rows[0]["evaluator"]
    real = reference.load(paths.reference(dataset, evaluator), {})
    return load_evaluator(paths.evaluator(evaluator)), real.real.gaussian


def _statistics(config: TrainingConfig) -> Path:
    return paths.statistics(config.dataset, config.extractor, config.batchnorm)


def _train(config: TrainingConfig, sampling: SampleConfig) -> tuple[Any, float | None, float]:
    """One training: its samples, its loss where that is finite, its steps a second."""
    real = statistics.load(_statistics(config))
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
    return images, _finite(float(trainer.objective.monitor.loss())), progress.rate


def _scores(images: Any, evaluator: Evaluator, real: Gaussian) -> tuple[float | None, float | None]:
    """Fréchet distance and Inception-style score; None for the latter without a classifier."""
    features = evaluator.features(images)
    logits = features.logits
    score = None if logits is None else class_score(logits)[0]
    return _finite(float(frechet_to(features.pooled, real))), score


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
