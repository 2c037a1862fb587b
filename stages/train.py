"""train@<run>: a generator, from statistics and noise alone."""

import os
from functools import partial

import paths
import processes
import runner

from gfmn import statistics
from gfmn.checkpoints import Checkpoints
from gfmn.devices import keep_freed_memory
from gfmn.distributed import World
from gfmn.extractor_file import file_digest
from gfmn.extractors import load_extractor
from gfmn.generators import load_decoder
from gfmn.loop import Run, resume_point, run_fingerprint
from gfmn.training import TrainingConfig


def main(name: str) -> None:
    row, where = runner.section("runs", name)
    config = TrainingConfig.parse(runner.without(row, "evaluator", "sample"), where)
    keep_freed_memory()
    processes.join(config.processes, where, partial(train, name, config), __file__, name)


def train(name: str, config: TrainingConfig, world: World) -> None:
    watch = runner.Stopwatch()
    path = paths.statistics(config.dataset, config.extractor, config.batchnorm)
    real = statistics.load(path)
    image_size, decoder = real.about["image_size"], paths.decoder(config.decoder)
    start = load_decoder(decoder, config.generator, image_size, config.latent)
    fingerprint = run_fingerprint(config, file_digest(path), file_digest(decoder))
    checkpoints = Checkpoints(paths.scratch(), name, fingerprint)
    found = resume_point(config, checkpoints, world)
    extractor = load_extractor(
        paths.extractor(config.extractor),
        image_size,
        config.taps,
        config.precision,
        world,
        found.about["precision"] if found else None,
        config.batchnorm,
    )
    statistics.verify(real, path, extractor, config.dataset)
    run = Run(
        config,
        name,
        extractor,
        real,
        image_size,
        paths.model(name),
        paths.history(name),
        checkpoints,
        found,
        world,
        every=float(os.environ.get("GFMN_CHECKPOINT_SECONDS", "300")),
        start=start,
    )
    rate = run.train()
    if world.is_main:
        facts = {"steps_per_second": round(rate, 2), "from_step": found.step if found else 0}
        watch.write(paths.timing(f"train-{name}"), **facts)


if __name__ == "__main__":
    runner.run(main)
