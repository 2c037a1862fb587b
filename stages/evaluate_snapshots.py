"""evaluate-snapshots@<run>-<evaluator>: loss and distance at several steps of a training."""

import sys
from pathlib import Path

import checkout  # noqa: F401
import numpy as np

from gfmn import generators
from gfmn.common import paths, stage
from gfmn.common.devices import default_device
from gfmn.common.images import read_images, write_images
from gfmn.generators.sampling import SampleConfig, SamplingConfig, sample_parts
from gfmn.metrics import reference, snapshots
from gfmn.metrics.caveats import frechet_caveat
from gfmn.metrics.config import SnapshotsConfig
from gfmn.metrics.evaluator import load_evaluator


def main(name: str) -> None:
    config = SnapshotsConfig.parse(*stage.section("snapshots", name))
    sampling = SamplingConfig.parse(*stage.optional_section("sampling")).of(config.run)
    sampling = sampling.model_copy(update={"count": config.count})
    evaluator = load_evaluator(paths.evaluator(config.evaluator))
    folder = paths.reference(config.dataset, config.evaluator)
    space = evaluator.facts(config.dataset) | {"dataset": config.dataset}
    real = reference.load(folder, space).real.gaussian
    found = []
    for seed in generators.trained_seeds(paths.model(config.run)):
        files = paths.snapshot_files(config.run, seed)
        losses = snapshots.losses(paths.history(config.run, seed), files)
        for (step, file), loss in zip(files.items(), losses, strict=True):
            with stage.temporary_folder(paths.scratch()) as temporary:
                images = sample(paths.model(config.run, seed), file, sampling, temporary)
                score = snapshots.distance(images, evaluator, real, temporary)
            found.append(snapshots.Snapshot(seed, step, loss, score.value, config.count))
    facts = {
        **space,
        **{"run": config.run, "score": score.name, "title": score.title},
        **{"n_reference": real.count, "sampling": sampling.model_dump(mode="json")},
    }
    snapshots.write(paths.scores(f"snapshots-{name}"), facts, found)
    summary = snapshots.summary(found)
    stage.write_json(paths.metrics(f"snapshots-{name}"), summary)
    print(f"{name}: {summary}")
    if text := frechet_caveat(config.count, len(real.mean)):
        print(f"evaluate-snapshots {name}: WARNING: {text}", file=sys.stderr)


def sample(model: Path, file: Path, config: SampleConfig, folder: Path) -> np.ndarray:
    """A snapshot's samples, in a file in `folder`; a few are in memory at a time."""
    generator, about = generators.load(model, str(file.relative_to(model)))
    parts = sample_parts(generator.to(default_device()), about["latent"], config)
    write_images(folder / "images.npy", parts, config.count, about["image_size"])
    return read_images(folder / "images.npy")


if __name__ == "__main__":
    stage.run(main)
