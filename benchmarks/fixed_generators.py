"""Equation 1 of each snapshot of a run, held fixed, and the loss in the run's history.

python -m benchmarks.fixed_generators longer > docs/convergence-longer.tsv

In a study's folder, after its `train`: the moments of `BATCHES` minibatches of each generator, of
the run's first seed, in the modes and the precision of the training.
"""

import argparse
import json

import torch

from gfmn import generators
from gfmn.common import paths, stage
from gfmn.common.images import signed_to_unit
from gfmn.features import statistics
from gfmn.features.extractor import load_extractor
from gfmn.features.moments import Moments, batch_moments
from gfmn.metrics.snapshots import losses
from gfmn.training.config import TrainingConfig

BATCHES = 32


@torch.no_grad()
def main() -> None:
    """Print a row a snapshot: step, loss in the history, equation 1 of that generator."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run")
    run = parser.parse_args().run
    config = TrainingConfig.parse(*stage.run_parameters(run)).each()[0]
    seed = config.seed or 0
    model = paths.model(run, seed)
    precision = json.loads((model / "config.json").read_text())["precision"]
    real = statistics.load(paths.statistics(config.dataset, config.extractor, config.batchnorm))
    extractor = load_extractor(
        paths.extractor(config.extractor),
        real.metadata["image_size"],
        config.taps,
        precision=config.precision,
        known=precision,
        batchnorm=config.batchnorm,
    )
    target = real.target(extractor.taps, torch.device("cpu"))
    files = paths.snapshot_files(run, seed)
    print("step", "history", "fixed", sep="\t")
    for (step, file), loss in zip(
        files.items(), losses(paths.history(run, seed), files), strict=True
    ):
        generator, _ = generators.load(model, str(file.relative_to(model)))
        generator.train()
        torch.manual_seed(0)
        first = second = torch.zeros_like(target.mean)
        for _ in range(BATCHES):
            images = signed_to_unit(generator(torch.randn(config.batch, config.latent)))
            moments = batch_moments(extractor(images), target.mean, target.layout)
            first, second = first + moments.first / BATCHES, second + moments.second / BATCHES
        variance = Moments(first, second).variance() - target.variance
        fixed = float(first.square().sum() + variance.square().sum())
        print(step, f"{loss:.6g}", f"{fixed:.6g}", sep="\t", flush=True)


if __name__ == "__main__":
    main()
