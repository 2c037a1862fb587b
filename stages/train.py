"""train@<run>: a generator for each seed, from statistics and noise alone."""

import os
import shutil
from collections.abc import Mapping
from functools import partial
from signal import Signals

import checkout  # noqa: F401

from gfmn.common import paths, stage
from gfmn.common.devices import keep_freed_memory
from gfmn.common.errors import Stopped
from gfmn.features import statistics
from gfmn.features.extractor import Extractor, load_extractor
from gfmn.generators import load_decoder
from gfmn.networks.extractor_file import file_digest
from gfmn.runtime import processes
from gfmn.runtime.checkpoints import Checkpoints
from gfmn.runtime.distributed import World
from gfmn.training.config import SeedsConfig
from gfmn.training.loop import Run, resume_point, run_fingerprint


def main(name: str) -> None:
    row, where = stage.run_parameters(name)
    config = SeedsConfig.parse(row, where)
    keep_freed_memory()
    processes.join(config.processes, where, partial(train, name, config), __file__, name)


def train(name: str, config: SeedsConfig, world: World) -> None:
    """Train every seed, or write its files again where it was finished before."""
    path = paths.statistics(config.dataset, config.extractor, config.batchnorm)
    real = statistics.load(path)
    image_size, decoder = real.about["image_size"], paths.decoder(config.decoder)
    start = load_decoder(decoder, config.generator, image_size, config.latent)
    digests = file_digest(path), file_digest(decoder)
    # All of them now: a fingerprint is of the code in use, and training might import more.
    trainings = [(each, run_fingerprint(each, *digests)) for each in config.each()]
    if world.is_main:
        for folder in (paths.model(name), paths.history(name)):
            if folder.exists():  # perhaps with seeds that are no longer listed
                shutil.rmtree(folder)
    extractor: Extractor | None = None
    known: Mapping[str, str] = {}  # precisions, as the seed before had them
    seconds, first_step = 0.0, 0
    for number, (each, fingerprint) in enumerate(trainings):
        checkpoints = Checkpoints(paths.scratch(), f"{name}-seed-{each.seed}", fingerprint)
        found = resume_point(each, checkpoints, world)
        known = found.about["precision"] if found else known
        if extractor is None or not extractor.precision.items() <= known.items():
            extractor = load_extractor(
                paths.extractor(config.extractor),
                image_size,
                config.taps,
                config.precision,
                world,
                known,
                config.batchnorm,
            )
            statistics.verify(real, path, extractor, config.dataset)
        run = Run(
            each,
            name,
            extractor,
            real,
            image_size,
            paths.model(name, each.seed),
            paths.history(name, each.seed),
            checkpoints,
            found,
            world,
            every=float(os.environ.get("GFMN_CHECKPOINT_SECONDS", "300")),
            start=start,
            precision=known.get("generator"),
            title=f"{name} seed {each.seed}" if len(trainings) > 1 else name,
        )
        signal = run.train()
        known, seconds = run.precisions, seconds + run.seconds
        if number == 0 and found:
            first_step = found.step
        if signal and number + 1 < len(trainings):
            raise Stopped(
                f"train {name}: stopped by {Signals(signal).name} after seed {each.seed}; the same "
                f"command goes on with seed {config.seeds[number + 1]}",
                signal,
            )
    if world.is_main:
        facts = {
            "seconds": round(seconds, 2),
            "cpus": os.cpu_count(),
            "steps_per_second": round(len(trainings) * config.steps / seconds, 2),
            "seeds": len(trainings),
            "from_step": first_step,
        }
        stage.write_json(paths.timing(f"train-{name}"), facts)


if __name__ == "__main__":
    stage.run(main)
