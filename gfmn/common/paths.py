"""Where each stage's files are, relative to a study's folder."""

import os
from pathlib import Path

from gfmn.common.errors import InputError


def prepared(dataset: str) -> Path:
    """A data set's folder: `images.npy`, `labels.npy`, `meta.json`."""
    return Path("data/prepared") / dataset


def parameters(name: str) -> Path:
    """What check-params writes: `runs/<run>`, `sampling/<run>`, `metrics`, `report`."""
    return Path("data/parameters") / f"{name}.json"


def extractor(name: str) -> Path:
    """Weights of the frozen networks whose features are matched."""
    return Path("data/extractors") / f"{name}.safetensors"


def evaluator(name: str) -> Path:
    """Weights of a network in whose features images are scored."""
    return Path("data/evaluators") / f"{name}.safetensors"


def decoder(name: str) -> Path:
    """A pretrained autoencoder's decoder, as initial weights of a generator; `none` has none."""
    return Path("data/decoders") / f"{name}.safetensors"


def statistics(dataset: str, extractor: str, batchnorm: str) -> Path:
    """Means and variances of the features of real images."""
    return Path("data/stats") / f"{dataset}-{extractor}-{batchnorm}.safetensors"


def reference(dataset: str, evaluator: str) -> Path:
    """A folder: features of real images by an evaluator, and their statistics."""
    return Path("data/reference") / f"{dataset}-{evaluator}"


def model(run: str, seed: int | None = None) -> Path:
    """A run's folder; a seed's in it: `generator.safetensors`, `config.json`, `grids/`, and
    `snapshots/` where the run keeps any."""
    folder = Path("data/models") / run
    return folder if seed is None else folder / f"seed-{seed}"


def diverged(run: str) -> Path:
    """By seed that diverged, at which step; no file where none did."""
    return model(run) / "diverged.json"


def live(run: str, seed: int) -> Path:
    """The newest sample grid of a seed under way; no stage's output."""
    return Path("data/live") / run / f"seed-{seed}.png"


def snapshot_files(run: str, seed: int) -> dict[int, Path]:
    """A seed's generators during training, by step, ascending."""
    folder = model(run, seed) / "snapshots"
    files = {int(path.stem.removeprefix("step-")): path for path in folder.glob("step-*")}
    if not files:
        raise InputError(f"{folder}: expected generators step-<n>.safetensors, found none")
    return dict(sorted(files.items()))


def samples(run: str, seed: int | None = None) -> Path:
    """A run's folder; a seed's samples in it, N x S x S x 3 uint8, and a grid of some as `.png`."""
    folder = Path("data/samples") / run
    return folder if seed is None else folder / f"seed-{seed}.npy"


def sample_files(run: str) -> dict[int, Path]:
    """A run's arrays of samples by seed, ascending."""
    folder = samples(run)
    files = {int(path.stem.removeprefix("seed-")): path for path in folder.glob("seed-*.npy")}
    if not files:
        raise InputError(f"{folder}: expected samples seed-<k>.npy, found none")
    return dict(sorted(files.items()))


def history(run: str, seed: int | None = None) -> Path:
    """A run's folder; a seed's loss by step in it."""
    folder = Path("reports/history") / run
    return folder if seed is None else folder / f"seed-{seed}.tsv"


def pretraining_history(name: str) -> Path:
    """The loss by step of a pretrained network."""
    return Path("reports/history") / f"extractor-{name}.tsv"


def scores(name: str) -> Path:
    """An evaluation's scores by seed as a table, with the facts that hold for all of them;
    `reference-<dataset>-<evaluator>`: of real images; `snapshots-<run>-<evaluator>`: loss and
    distance by step."""
    return Path("data/scores") / f"{name}.parquet"


def neighbors(name: str) -> Path:
    """A folder: some of a run's samples above the real images nearest to them."""
    return Path("data/neighbors") / name


def metrics(name: str) -> Path:
    """An evaluation's scores, means over seeds; `reference-<dataset>-<evaluator>`: of real images;
    `extractor-<name>`: a pretrained network's metrics; `snapshots-<run>-<evaluator>`: rank
    correlations of loss and distance."""
    return Path("reports/metrics") / f"{name}.json"


def timing(stage: str) -> Path:
    """A stage's duration and speed, the only output that differs between equal runs."""
    return Path("data/timings") / f"{stage}.json"


def scratch() -> Path:
    """Checkpoints and temporary files, outside DVC; `GFMN_SCRATCH` names another folder."""
    return Path(os.environ.get("GFMN_SCRATCH", "data/scratch"))
