"""The seeds of a baseline in a study's folder, one after another."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gfmn.baselines.base import Setting
from gfmn.baselines.config import BaselineConfig
from gfmn.baselines.trainer import BaselineTrainer, Inputs
from gfmn.common import paths
from gfmn.common.errors import InputError
from gfmn.datasets import prepared
from gfmn.datasets.prepared import PreparedDataset
from gfmn.networks.extractor_file import file_digest
from gfmn.runtime.distributed import ALONE
from gfmn.training.seeds import run_seeds


def train_baseline(name: str, config: BaselineConfig) -> None:
    """Train every seed of a baseline, or write its files again where it is finished.

    Raises what `run_seeds` does, and `InputError` for a data set without the labels that the
    method needs.
    """
    data = prepared.read(paths.prepared(config.dataset))
    setting = read_setting(config, data)

    def make(each: BaselineConfig, precision: Mapping[str, str]) -> BaselineTrainer:
        return BaselineTrainer(each, Inputs(data, setting, precision))

    networks = "".join(file_digest(path) for path in (setting.extractor, setting.decoder) if path)
    digests = data.metadata["digest"], networks
    run_seeds(name, config, digests, make, ALONE)


def read_setting(config: BaselineConfig, data: PreparedDataset) -> Setting:
    """What the method is built for; `InputError` for missing labels."""
    classes = 0
    if config.conditional or config.labeled:
        if data.labels is None:
            where = f"baselines: data set {config.dataset!r}"
            raise InputError(f"{where}: expected labels for {config.method}, found none")
        classes = int(np.asarray(data.labels).max()) + 1
    return Setting(
        image_size=int(data.metadata["image_size"]),
        classes=classes,
        extractor=_file(config.extractor, paths.extractor(config.extractor)),
        decoder=_file(config.decoder, paths.decoder(config.decoder)),
    )


def _file(name: str, path: Path) -> Path | None:
    return None if name == "none" else path
