"""The seeds of a run in a study's folder, one after another.

Each leaves the files that it would leave alone, in any order of the seeds. One that diverges leaves
its history, and its step in a list; the others go on without it.
"""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from signal import Signals
from typing import TypeVar

from gfmn.common import divergence, json_reader, paths, stage
from gfmn.common.devices import peak_memory
from gfmn.common.errors import Stopped
from gfmn.features import statistics
from gfmn.features.extractor import Extractor, load_extractor
from gfmn.generators import load_decoder
from gfmn.networks.extractor_file import file_digest
from gfmn.runtime.checkpoints import Checkpoints
from gfmn.runtime.distributed import World
from gfmn.training.config import TrainingConfig
from gfmn.training.loop import DivergenceError, Run
from gfmn.training.outputs import Files
from gfmn.training.resume import resume_point, run_fingerprint
from gfmn.training.schedule import Schedule
from gfmn.training.trainable import Trainable
from gfmn.training.trainer import Inputs, Trainer

ConfigT = TypeVar("ConfigT", bound=Schedule)


def train_seeds(name: str, config: TrainingConfig, world: World) -> None:
    """Train every seed of a run, or write its files again where it is finished: see `run_seeds`."""
    path = paths.statistics(config.dataset, config.extractor, config.batchnorm)
    real, decoder = statistics.load(path), paths.decoder(config.decoder)
    image_size = real.metadata["image_size"]
    start = load_decoder(decoder, config.generator, image_size, config.latent)
    digests = file_digest(path), file_digest(decoder)
    extractor: Extractor | None = None

    def make(each: TrainingConfig, precision: Mapping[str, str]) -> Trainer:
        nonlocal extractor
        if extractor is None or not extractor.precision.items() <= precision.items():
            extractor = load_extractor(
                paths.extractor(config.extractor),
                image_size,
                config.taps,
                config.precision,
                world,
                precision,
                config.batchnorm,
            )
            statistics.verify(real, path, extractor, config.dataset, _digest(config.dataset))
        return Trainer(each, Inputs(extractor, real, start, precision.get("generator")), world)

    run_seeds(name, config, digests, make, world)


def run_seeds(
    name: str,
    config: ConfigT,
    digests: tuple[str, str],
    make: Callable[[ConfigT, Mapping[str, str]], Trainable],
    world: World,
) -> None:
    """Train every seed, or write its files again where it is finished; and what all of them took.

    `digests`: of the inputs, as `run_fingerprint` has them. `make`: what is trained, with the
    precisions that are known already. Raises what `Run.train` does, but `DivergenceError` only
    where every seed diverged; `Stopped` also where a signal came at the end of a seed that is not
    the last.
    """
    # All of them now: a fingerprint is of the code in use, and training might import more.
    trainings = [(each, run_fingerprint(each, *digests)) for each in config.each()]
    if world.is_main:
        for folder in (paths.model(name), paths.history(name)):
            if folder.exists():  # perhaps with seeds that are no longer listed
                shutil.rmtree(folder)

    save_every = float(os.environ.get("GFMN_CHECKPOINT_SECONDS", "300"))
    precision: Mapping[str, str] = {}  # of all networks, as the seed before had it
    seconds, steps, from_step, warnings = 0.0, 0, 0, []
    diverged: dict[int, DivergenceError] = {}
    for number, (each, fingerprint) in enumerate(trainings):
        seed = each.seed or 0
        files = Files(
            paths.model(name, seed),
            paths.history(name, seed),
            Checkpoints(paths.scratch(), f"{name}-seed-{seed}", fingerprint),
            save_every,
            paths.live(name, seed),
        )
        checkpoint = resume_point(each, files, world)
        # One measurement serves all seeds, and a resumed seed keeps its own: another might differ.
        precision = checkpoint.metadata["precision"] if checkpoint else precision
        label = f"{name} seed {seed}" if len(trainings) > 1 else name
        run = Run(name, make(each, precision), files, checkpoint, world, label)
        try:
            signal = run.train()
            steps += config.steps
        except DivergenceError as error:
            diverged[seed], signal = error, error.signal
            steps += error.step
            run.warning = f"train {label}: WARNING: {error}"
        warnings.append(run.warning)
        precision, seconds = run.trainer.precisions, seconds + run.seconds
        if number == 0 and checkpoint:
            from_step = checkpoint.step
        if signal and number + 1 < len(trainings):
            raise Stopped(
                f"train {name}: stopped by {Signals(signal).name} after seed {seed}; run the "
                f"same command to resume with seed {config.seeds[number + 1]}",
                signal,
            )
    if diverged and world.is_main:
        divergence.write(name, {seed: error.step for seed, error in diverged.items()})
    if len(diverged) == len(trainings):
        raise next(iter(diverged.values()))
    for warning in filter(None, warnings):
        print(warning, file=sys.stderr, flush=True)
    if world.is_main:
        facts = {
            "seconds": round(seconds, 2),  # of all seeds and sessions
            "cpus": os.cpu_count(),
            "steps_per_second": round(steps / seconds, 2),
            "seeds": len(trainings),
            "peak_mib": peak_memory() >> 20,
            "from_step": from_step,  # where the first seed was resumed
        }
        stage.write_json(paths.timing(f"train-{name}"), facts)


def _digest(dataset: str) -> str | None:
    """Of a data set's images, None where they are not at hand: training needs none."""
    path = paths.prepared(dataset) / "meta.json"
    if not path.exists():
        return None
    digest: str | None = json_reader.read(path, "a data set's description").get("digest")
    return digest
