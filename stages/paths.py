"""Where each stage's files are, relative to a study's folder."""

import os
from pathlib import Path


def prepared(dataset: str) -> Path:
    """A data set's folder: `images.npy`, `labels.npy`, `meta.json`."""
    return Path("data/prepared") / dataset


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
    """Real features' Gaussian in the evaluator's space."""
    return Path("data/reference") / f"{dataset}-{evaluator}.safetensors"


def model(run: str) -> Path:
    """A run's folder: `generator.safetensors`, `config.json`, `grids/`."""
    return Path("data/models") / run


def samples(run: str) -> Path:
    """A run's samples, N x S x S x 3 uint8; a grid of them beside, as `.png`."""
    return Path("data/samples") / f"{run}.npy"


def history(run: str) -> Path:
    """A run's loss by step; `extractor-<name>` has that of a network trained here."""
    return Path("reports/history") / f"{run}.tsv"


def metrics(name: str) -> Path:
    """A run's scores; `reference-<dataset>-<evaluator>` has those of real images,
    `extractor-<name>` what a network trained here can do."""
    return Path("reports/metrics") / f"{name}.json"


def timing(stage: str) -> Path:
    """A stage's duration and speed, the only output that differs between equal runs."""
    return Path("data/timings") / f"{stage}.json"


def scratch() -> Path:
    """Checkpoints of runs under way, which DVC does not see; `GFMN_SCRATCH` names another."""
    return Path(os.environ.get("GFMN_SCRATCH", "data/scratch"))
