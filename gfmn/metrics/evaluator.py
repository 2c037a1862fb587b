"""The feature extractor used for evaluation: features and logits of images."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gfmn.common.devices import default_device
from gfmn.common.errors import InputError
from gfmn.common.files import new_array
from gfmn.common.images import bytes_to_unit
from gfmn.common.progress import Progress
from gfmn.metrics.metric import FeatureSpace
from gfmn.networks import TappedNetwork
from gfmn.networks.extractor_file import (
    NetworkHeader,
    file_digest,
    load_network,
    only_network,
)
from gfmn.networks.inception import INCEPTION_SHA256

BATCH = {"cpu": 64, "cuda": 256}  # images at a time; a CPU's caches hold no more activations


@dataclass(frozen=True)
class Features:
    """N x D features and N x K logits (None without a classifier), float32, perhaps in files."""

    pooled: np.ndarray
    logits: np.ndarray | None

    def __len__(self) -> int:
        return len(self.pooled)


class Evaluator:
    """A frozen network in float32 whose features images are compared in.

    `space`: its feature space, canonical where it is the Inception of the Inception Score and of
    FID, by the hash of the published weights; `digest`: the file's sha256; `trained_on`: the data
    set on whose classes it was trained in the pipeline, else None.
    """

    def __init__(self, network: TappedNetwork, header: NetworkHeader, digest: str) -> None:
        device = default_device()
        network = network.requires_grad_(False).to(memory_format=torch.channels_last)
        self.network = network.to(device)
        self.space = FeatureSpace(header.name, is_canonical(header))
        self.name, self.architecture, self.digest = header.name, header.architecture, digest
        self.resizer = network.resizer
        task = header.provenance.get("parameters", {}).get("task")
        trained_on = header.provenance.get("trained_on")
        self.trained_on = str(trained_on) if task == "classifier" and trained_on else None

    def knows(self, dataset: str | None) -> bool:
        """Whether it was trained on a data set's classes; None: of images that no study names."""
        return self.trained_on is not None and dataset in (None, self.trained_on)

    def facts(self, dataset: str | None = None) -> dict[str, Any]:
        """What is reported with every score against a data set's images."""
        return {
            "evaluator": self.name,
            "evaluator_digest": self.digest,
            "architecture": self.architecture,
            "resizer": self.resizer,
            "canonical": self.space.canonical,
            "in_domain": self.knows(dataset),
        }

    def features(
        self, images: np.ndarray, folder: Path | None = None, batch: int | None = None
    ) -> Features:
        """N x H x W x 3 uint8 -> their features, in rows of files in `folder`.

        Without a folder they are in memory; with one, no memory grows with N.
        """
        features: Features | None = None
        batch = batch or BATCH[default_device().type]
        with Progress(f"features in {self.name}", len(images), "images") as progress:
            for start in range(0, len(images), batch):
                rows = slice(start, start + batch)
                pooled, logits = self._part(np.ascontiguousarray(images[rows]))
                if features is None:
                    count = len(images)
                    features = Features(
                        _rows(count, pooled, folder, "features"),
                        None if logits is None else _rows(count, logits, folder, "logits"),
                    )
                features.pooled[rows] = pooled.cpu().numpy()
                if features.logits is not None and logits is not None:
                    features.logits[rows] = logits.cpu().numpy()
                progress.advance(len(pooled))
        if features is None:
            raise InputError(f"{self.name}: expected images, found none")
        return features

    @torch.inference_mode()
    def _part(self, images: np.ndarray) -> tuple[Tensor, Tensor | None]:
        embed = self.network.embed  # inference mode hides its type
        both: tuple[Tensor, Tensor | None] = embed(bytes_to_unit(images).to(default_device()))
        return both


def _rows(count: int, like: Tensor, folder: Path | None, name: str) -> np.ndarray:
    shape = (count, like.shape[1])
    if folder is None:
        return np.empty(shape, np.float32)
    folder.mkdir(parents=True, exist_ok=True)
    return new_array(folder / f"{name}.npy", np.float32, shape)


def is_canonical(header: NetworkHeader) -> bool:
    """Whether a network is the Inception in whose space IS, FID and KID are defined."""
    published = header.provenance.get("sha256") == INCEPTION_SHA256
    return header.architecture == "inception_v3" and published


def load_evaluator(path: str | Path) -> Evaluator:
    """Read an evaluator, a file of the extractor format that holds one network.

    Raises `InputError` for a file that is missing, truncated or foreign, or holds several.
    """
    header = only_network(path)
    return Evaluator(load_network(path, header), header, file_digest(path))
