"""Where each stage's files are, relative to a study's folder."""

import os
from pathlib import Path


def prepared(dataset: str) -> Path:
    """A data set's folder: `images.npy`, `labels.npy`, `meta.json`."""
    return Path("data/prepared") / dataset


def parameters(name: str) -> Path:
    """What check-params writes of the parameters: `runs/<run>`, `sampling`, `metrics`, `report`."""
    return Path("data/parameters") / f"{name}.json"


def extractor(name: str) -> Path:
    """Frozen networks' weights."""
    return Path("data/extractors") / f"{name}.safetensors"


def evaluator(name: str) -> Path:
    """The scoring network's weights."""
    return Path("data/evaluators") / f"{name}.safetensors"


def decoder(name: str) -> Path:
    """A trained extractor's decoder, from which a generator can start; `none` has no weights."""
    return Path("data/decoders") / f"{name}.safetensors"


def statistics(dataset: str, extractor: str, batchnorm: str) -> Path:
    """Real features' means and variances."""
    return Path("data/stats") / f"{dataset}-{extractor}-{batchnorm}.safetensors"


def reference(dataset: str, evaluator: str) -> Path:
    """A folder: real features in the evaluator's space, and what is known of them."""
    return Path("data/reference") / f"{dataset}-{evaluator}"


def model(run: str, seed: int | None = None) -> Path:
    """A run's folder; a seed's in it: `generator.safetensors`, `config.json`, `grids/`."""
    folder = Path("data/models") / run
    return folder if seed is None else folder / f"seed-{seed}"


def samples(run: str, seed: int | None = None) -> Path:
    """A run's folder; a seed's samples in it, N x S x S x 3 uint8, a grid beside, as `.png`."""
    folder = Path("data/samples") / run
    return folder if seed is None else folder / f"seed-{seed}.npy"


def history(run: str, seed: int | None = None) -> Path:
    """A run's folder; a seed's loss by step in it."""
    folder = Path("reports/history") / run
    return folder if seed is None else folder / f"seed-{seed}.tsv"


def pretraining_history(name: str) -> Path:
    """The loss by step of a network trained here."""
    return Path("reports/history") / f"extractor-{name}.tsv"


def scores(name: str) -> Path:
    """An evaluation's scores by seed as a table, with the facts that hold for all of them."""
    return Path("data/scores") / f"{name}.parquet"


def neighbors(name: str) -> Path:
    """A folder: some of a run's samples above the real images nearest to them."""
    return Path("data/neighbors") / name


def metrics(name: str) -> Path:
    """An evaluation's scores, means over seeds; `reference-<dataset>-<evaluator>` has those of real
    images, `extractor-<name>` what a network trained here can do."""
    return Path("reports/metrics") / f"{name}.json"


def timing(stage: str) -> Path:
    """A stage's duration and speed, the only output that differs between equal runs."""
    return Path("data/timings") / f"{stage}.json"


def scratch() -> Path:
    """Checkpoints of runs under way, which DVC does not see; `GFMN_SCRATCH` names another."""
    return Path(os.environ.get("GFMN_SCRATCH", "data/scratch"))
