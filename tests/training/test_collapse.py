"""A generator whose samples are all alike is named at the end of its training."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import loop
from builders.training import config

from gfmn.training import collapse


@pytest.mark.parametrize("alike", [True, False])
def test_training_whose_samples_are_all_alike_ends_with_a_warning(
    alike: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(0).integers(0, 3 if alike else 256, (64, 32, 32, 3))

    def grid(*_: Any) -> np.ndarray:
        return noise.astype(np.uint8)

    monkeypatch.setattr(collapse, "fixed_grid", grid)
    loop.start(tmp_path, config(steps=1)).train()
    lines = [line for line in capsys.readouterr().err.splitlines() if "WARNING" in line]
    if alike:
        (line,) = lines
        assert line.startswith("train x: WARNING: all samples are alike, they differ by 0.8")
        assert line.endswith("or `added: {covariance: 2.0}` may help")
    else:
        assert lines == []
