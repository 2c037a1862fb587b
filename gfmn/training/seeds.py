"""The seeds of a run in a study's folder, one after another.

Each leaves the files that it would leave alone, in any order of the seeds.
"""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from signal import Signals

from gfmn.common import json_reader, paths
from gfmn.common.errors import Stopped
from gfmn.features import statistics
from gfmn.features.extractor import Extractor, load_extractor
from gfmn.generators import load_decoder
from gfmn.networks.extractor_file import file_digest
from gfmn.runtime.checkpoints import Checkpoints
from gfmn.runtime.distributed import World
from gfmn.training.config import SeedsConfig
from gfmn.training.loop import Run
from gfmn.training.outputs import Files, precisions
from gfmn.training.resume import resume_point, run_fingerprint
from gfmn.training.trainer import Inputs


@dataclass(frozen=True)
class Timing:
    """What the training of a run's seeds took."""

    seconds: float  # of all seeds and sessions
    from_step: int  # where the first seed was resumed


def train_seeds(name: str, config: SeedsConfig, world: World, save_every: float = 300.0) -> Timing:
    """Train every seed of a run, or write its files again where it is finished.

    `save_every`: seconds between checkpoints. Raises what `Run.train` does; `Stopped` also where a
    signal came at the end of a seed that is not the last.
    """
    path = paths.statistics(config.dataset, config.extractor, config.batchnorm)
    real, decoder = statistics.load(path), paths.decoder(config.decoder)
    image_size = real.metadata["image_size"]
    start = load_decoder(decoder, config.generator, image_size, config.latent)
    digests = file_digest(path), file_digest(decoder)
    # All of them now: a fingerprint is of the code in use, and training might import more.
    trainings = [(each, run_fingerprint(each, *digests)) for each in config.each()]
    if world.is_main:
        for folder in (paths.model(name), paths.history(name)):
            if folder.exists():  # perhaps with seeds that are no longer listed
                shutil.rmtree(folder)

    extractor: Extractor | None = None
    precision: Mapping[str, str] = {}  # of networks and generator, as the seed before had it
    seconds, from_step, warnings = 0.0, 0, []
    for number, (each, fingerprint) in enumerate(trainings):
        files = Files(
            paths.model(name, each.seed),
            paths.history(name, each.seed),
            Checkpoints(paths.scratch(), f"{name}-seed-{each.seed}", fingerprint),
            save_every,
            paths.live(name, each.seed),
        )
        checkpoint = resume_point(each, files, world)
        # One measurement serves all seeds, and a resumed seed keeps its own: another might differ.
        precision = checkpoint.metadata["precision"] if checkpoint else precision
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
        inputs = Inputs(extractor, real, start, precision.get("generator"))
        label = f"{name} seed {each.seed}" if len(trainings) > 1 else name
        run = Run(name, each, inputs, files, checkpoint, world, label)
        signal = run.train()
        warnings.append(run.warning)
        precision, seconds = precisions(run.trainer), seconds + run.seconds
        if number == 0 and checkpoint:
            from_step = checkpoint.step
        if signal and number + 1 < len(trainings):
            raise Stopped(
                f"train {name}: stopped by {Signals(signal).name} after seed {each.seed}; run the "
                f"same command to resume with seed {config.seeds[number + 1]}",
                signal,
            )
    for warning in filter(None, warnings):
        print(warning, file=sys.stderr, flush=True)
    return Timing(seconds, from_step)


def _digest(dataset: str) -> str | None:
    """Of a data set's images, None where they are not at hand: training needs none."""
    path = paths.prepared(dataset) / "meta.json"
    if not path.exists():
        return None
    digest: str | None = json_reader.read(path, "a data set's description").get("digest")
    return digest
