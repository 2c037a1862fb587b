"""Pretrainings of small networks on digits."""

from pathlib import Path
from typing import Any

from gfmn import pretraining, sources
from gfmn.datasets import prepared
from gfmn.datasets.prepared import PreparedDataset
from gfmn.pretraining.base import Pretraining
from gfmn.runtime.checkpoints import Checkpoints

CLASSIFIER = {
    "task": "classifier",
    "architecture": "vgg11_bn",
    "dataset": "digits",
    "epochs": 1,
    "batch": 32,
    "lr": 0.02,
    "crop": 2,
    "flip": False,
    "precision": "fp32",
}


AUTOENCODER = {
    "task": "autoencoder",
    "architecture": "dcgan_encoder",
    "dataset": "digits",
    "latent": 16,
    "steps": 6,
    "batch": 8,
    "precision": "fp32",
}


def digits_of(size: int, folder: Path) -> PreparedDataset:
    row = {"source": "digits", "count": 400, "image_size": size}
    sources.prepare(sources.parse(row, "x"), "digits", folder)
    return prepared.read(folder)


def task(data: PreparedDataset, row: dict[str, Any], **changes: Any) -> Pretraining:
    return pretraining.parse({**row, **changes}, "x").build("net", data)


def trained(
    data: PreparedDataset, folder: Path, row: dict[str, Any], **changes: Any
) -> Pretraining:
    found = task(data, row, **changes)
    pretraining.pretrain(found, Checkpoints(folder, "net", "f"))
    return found
