"""The feature extractor used for evaluation: features and logits of images."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gfmn.common.devices import default_device
from gfmn.common.errors import InputError
from gfmn.common.images import bytes_to_unit
from gfmn.common.progress import Progress
from gfmn.networks import TappedNetwork
from gfmn.networks.extractor_file import (
    NetworkHeader,
    file_digest,
    load_network,
    only_network,
)
from gfmn.networks.inception import INCEPTION_SHA256

BATCH = 256  # images at a time


@dataclass(frozen=True)
class Features:
    """N x D features and N x K logits (None without a classifier), float32, perhaps in files."""

    pooled: np.ndarray
    logits: np.ndarray | None

    def __len__(self) -> int:
        return len(self.pooled)


class Evaluator:
    """A network in float32, and what a score must say of it.

    `name`: the space's, in every score's name; `digest`: the file's sha256; `canonical`: whether it
    is the Inception of the Inception Score and of FID, by the hash of the published weights;
    `in_domain`: the data set on whose classes it was trained in the pipeline, else None.
    """

    def __init__(self, network: TappedNetwork, header: NetworkHeader, digest: str) -> None:
        device = default_device()
        network = network.requires_grad_(False).to(memory_format=torch.channels_last)
        self.network = network.to(device)
        self.name, self.architecture, self.digest = header.name, header.architecture, digest
        self.resizer = network.resizer
        self.canonical = is_canonical(header)
        task = header.provenance.get("parameters", {}).get("task")
        trained_on = header.provenance.get("trained_on")
        self.in_domain = str(trained_on) if task == "classifier" and trained_on else None

    def features(
        self, images: np.ndarray, spool: Path | None = None, batch: int = BATCH
    ) -> Features:
        """N x H x W x 3 uint8 -> their features, in rows of files in the folder `spool`.

        Without one they are in memory; with one, no memory grows with N.
        """
        found: Features | None = None
        with Progress(f"features in {self.name}", len(images), "images") as progress:
            for start in range(0, len(images), batch):
                rows = slice(start, start + batch)
                pooled, logits = self._part(np.ascontiguousarray(images[rows]))
                if found is None:
                    count = len(images)
                    found = Features(
                        _rows(count, pooled, spool, "features"),
                        None if logits is None else _rows(count, logits, spool, "logits"),
                    )
                found.pooled[rows] = pooled.cpu().numpy()
                if found.logits is not None and logits is not None:
                    found.logits[rows] = logits.cpu().numpy()
                progress.advance(len(pooled))
        if found is None:
            raise InputError(f"{self.name}: expected images, found none")
        return found

    @torch.inference_mode()
    def _part(self, images: np.ndarray) -> tuple[Tensor, Tensor | None]:
        embed = self.network.embed  # inference mode hides its type
        found: tuple[Tensor, Tensor | None] = embed(bytes_to_unit(images).to(default_device()))
        return found


def _rows(count: int, like: Tensor, spool: Path | None, name: str) -> np.ndarray:
    shape = (count, like.shape[1])
    if spool is None:
        return np.empty(shape, np.float32)
    spool.mkdir(parents=True, exist_ok=True)
    return np.lib.format.open_memmap(spool / f"{name}.npy", "w+", np.float32, shape)


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
