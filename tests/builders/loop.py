"""A run that a test starts."""

from pathlib import Path

import numpy as np
from builders.training import Taps32, real

from gfmn.runtime.checkpoints import Checkpoints
from gfmn.training.config import TrainingConfig
from gfmn.training.loop import Run, resume_point, run_fingerprint


def start(folder: Path, settings: TrainingConfig, images: np.ndarray, every: float = 1e9) -> Run:
    """A run under `folder`, on from whatever checkpoint is there, as the stage begins it."""
    network = Taps32()
    checkpoints = Checkpoints(folder / "scratch", "x", run_fingerprint(settings, "digest", "none"))
    found = resume_point(settings, checkpoints)
    out, history = folder / "model", folder / "history/x.tsv"
    statistics = real(network, images)
    arguments = (settings, "x", network, statistics, 32, out, history, checkpoints, found)
    return Run(*arguments, every=every)
