"""Samples of a trained generator: what they depend on, and what sampling leaves untouched."""

import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import sample
import torch
from builders.generator_files import saved
from builders.seeds_study import studies
from PIL import Image

from gfmn import generators
from gfmn.common.images import grid
from gfmn.generators.sampling import SampleConfig
from gfmn.generators.sampling import sample as draw


def test_sample_leaves_the_generator_as_it_was_in_either_mode(tmp_path) -> None:
    generator = saved(tmp_path)
    before = {key: value.clone() for key, value in generator.state_dict().items()}
    results = {
        mode: draw(generator, 16, SampleConfig(count=300, seed=1, batchnorm=mode))
        for mode in ("running", "batch")
    }
    assert all(torch.equal(value, before[key]) for key, value in generator.state_dict().items())
    assert generator.training
    assert (results["running"] != results["batch"]).any()


def test_first_samples_do_not_depend_on_how_many_follow(tmp_path) -> None:
    generator = saved(tmp_path)
    few = draw(generator, 16, SampleConfig(count=10, seed=1, batchnorm="running"))
    many = draw(generator, 16, SampleConfig(count=600, seed=1, batchnorm="running"))
    assert abs(few.astype(int) - many[:10].astype(int)).max() <= 1  # other batch, other rounding


def test_stage_samples_every_trained_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sampled = studies(tmp_path, monkeypatch)("sampled")
    sampled.train([3, 5])
    sample.main("x")
    folder = sampled.folder / "data/samples/x"
    ends = (".npy", ".png", "-interpolation.png")
    names = {f"seed-{seed}{end}" for seed in (3, 5) for end in ends}
    assert {path.name for path in folder.iterdir()} == names
    for seed in (3, 5):
        generator, _ = generators.load(sampled.folder / f"data/models/x/seed-{seed}")
        images, file = draw(generator, 8, SampleConfig(count=300, seed=1)), BytesIO()
        np.save(file, images)
        assert (folder / f"seed-{seed}.npy").read_bytes() == file.getvalue()
        with Image.open(folder / f"seed-{seed}.png") as image:
            assert (np.asarray(image) == grid(images[:128], 16)).all()
    shutil.rmtree(sampled.folder / "data/models/x/seed-3")
    sample.main("x")
    assert {path.name for path in folder.iterdir()} == {f"seed-5{end}" for end in ends}
