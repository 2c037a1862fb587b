"""The stage `sample`: the files that it writes for a run."""

import json
from pathlib import Path

import numpy as np
import pytest
import sample
from builders.generator_files import saved
from PIL import Image

from gfmn import generators
from gfmn.generators.interpolation import images_at, row_latents


def test_stage_writes_samples_grid_and_eight_interpolations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(json.dumps({"sampling": {"count": 200, "seed": 9}}))
    Path("data/models/x").mkdir(parents=True)
    saved(Path("data/models/x/seed-3"))
    sample.main("x")
    folder = Path("data/samples/x")
    names = {"seed-3.npy", "seed-3.png", "seed-3-interpolation.png"}
    assert {path.name for path in folder.iterdir()} == names
    image = np.asarray(Image.open(folder / "seed-3-interpolation.png"))
    assert image.shape == (8 * 32, 10 * 32, 3)
    tiles = image.reshape(8, 32, 10, 32, 3).swapaxes(1, 2).astype(int)
    samples = np.load(folder / "seed-3.npy").astype(int)
    assert abs(tiles[:, 0] - samples[0:16:2]).max() <= 1  # another batch, another rounding
    assert abs(tiles[:, -1] - samples[1:16:2]).max() <= 1
    generator, _ = generators.load(Path("data/models/x/seed-3"))
    middle = images_at(generator, row_latents(9, 8, 10, 16)[:, 4]).astype(int)
    assert abs(tiles[:, 4] - middle).max() <= 1
    first = (folder / "seed-3-interpolation.png").read_bytes()
    sample.main("x")
    assert (folder / "seed-3-interpolation.png").read_bytes() == first
