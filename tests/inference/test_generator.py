"""A trained generator loaded from its folder: its images, and the folders that are refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders.commands import refused
from builders.extractor_files import line
from builders.generator_files import change_config, saved
from safetensors.torch import load_file, save_file

from gfmn import generators, inference
from gfmn.generators.sampling import SampleConfig, sample
from gfmn.inference.generator import load


@pytest.mark.parametrize("batchnorm", ["running", "batch"])
def test_samples_equal_those_of_the_pipeline(model: Path, batchnorm: Any) -> None:
    network, config = generators.load(model / "seed-3")
    sampling = SampleConfig(count=300, seed=5, batchnorm=batchnorm)
    expected = sample(network, config["latent"], sampling)
    assert (load(model / "seed-3").sample(300, seed=5, batchnorm=batchnorm) == expected).all()


def test_folder_of_a_run_with_one_seed_stands_for_that_seed(model: Path) -> None:
    generator = load(model)
    assert generator.folder == model / "seed-3" and generator.name == "x, trained with seed 3"
    assert (generator.latent, generator.image_size) == (16, 32)


def test_load_of_the_package_is_this_load_however_often(model: Path) -> None:
    for _ in range(2):
        assert inference.load(str(model)).folder == model / "seed-3"


def test_image_depends_on_its_latent_alone(model: Path) -> None:
    generator = load(model)
    z = generator.latents(4, seed=2)
    images = generator(z)
    assert images.shape == (4, 32, 32, 3) and images.dtype == np.uint8
    assert (generator(z.numpy()) == images).all()
    alone = generator(z[2:3])[0].astype(int)
    assert abs(alone - images[2]).max() <= 1  # another batch, another rounding
    assert abs(generator.sample(1, seed=2)[0].astype(int) - images[0]).max() <= 1


def test_latents_of_another_shape_or_type_are_refused(model: Path) -> None:
    generator = load(model)
    z = generator.latents(4)
    for bad in (z[0], z[:, :5], z.int(), z[:0]):
        assert "z: expected N x 16 floats, found " in line(generator, bad)


def test_interpolations_are_grids_of_row_latents(model: Path) -> None:
    images = load(model).interpolate(rows=3, columns=4, seed=5)
    assert images.shape == (3, 4, 32, 32, 3)
    samples = load(model).sample(6, seed=5).astype(int)
    assert abs(images[:, 0] - samples[::2]).max() <= 1
    assert abs(images[:, -1] - samples[1::2]).max() <= 1


def test_tiles_of_a_loop_pass_through_samples_of_their_own(model: Path) -> None:
    frames = load(model).loop(points=2, frames=3, rows=1, columns=2)
    assert frames.shape == (6, 32, 64, 3)
    expected = load(model).sample(4).astype(int)
    assert abs(frames[::3, :, :32] - expected[:2]).max() <= 1
    assert abs(frames[::3, :, 32:] - expected[2:]).max() <= 1


def test_run_of_several_seeds_needs_a_choice(tmp_path: Path) -> None:
    for seed in (1, 2):
        saved(tmp_path / f"seed-{seed}")
    assert line(load, tmp_path).endswith("found seed-1, seed-2: name one of these folders")


def test_folder_without_a_generator_is_refused(tmp_path: Path) -> None:
    assert line(load, tmp_path).endswith("found neither, nor seed-<k>/")
    assert line(load, tmp_path / "absent").endswith("generator's folder, found nothing")


def remove_weights(folder: Path) -> None:
    (folder / "generator.safetensors").unlink()


def truncate_weights(folder: Path) -> None:
    path = folder / "generator.safetensors"
    path.write_bytes(path.read_bytes()[:-9])


def set_nan(folder: Path) -> None:
    state = load_file(folder / "generator.safetensors")
    state["layers.0.0.weight"][0, 0, 0, 0] = torch.nan
    save_file(state, folder / "generator.safetensors")


def remove_config(folder: Path) -> None:
    (folder / "config.json").unlink()


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (remove_weights, "generator.safetensors: expected a generator's weights, found no file"),
        (truncate_weights, "generator.safetensors: expected a whole safetensors file, found "),
        (set_nan, "'layers.0.0.weight': expected finite numbers, found NaN or infinity 1 times"),
        ({"latent": 17}, "of a dcgan of 32 px and latent 17, which config.json names, found 'lay"),
        ({"image_size": 64}, "of a dcgan of 64 px and latent 16, which config.json names, found "),
        ({"generator": "resnet"}, "of a resnet of 32 px and latent 16, which config.json names, "),
        ({"generator": "dcgn"}, "config.json: $.generator: no 'dcgn'; did you mean 'dcgan'?"),
        ({"image_size": 33}, "json: $.image_size: expected one of 32, 48, 64, 128, found 33"),
        ({"latent": "16"}, "config.json: $.latent: expected a valid integer, found '16'"),
        (remove_config, "config.json: expected a generator's description, found no file"),
        ("[1", "config.json: expected a generator's description, found Expecting"),
        ("[1]", "config.json: expected a JSON object, found [1]"),
    ],
)
def test_damaged_or_mismatched_files_are_refused(
    tmp_path: Path, damage: Any, expected: str
) -> None:
    saved(tmp_path)
    if isinstance(damage, dict):
        change_config(tmp_path, **damage)
    elif isinstance(damage, str):
        (tmp_path / "config.json").write_text(damage)
    else:
        damage(tmp_path)
    assert expected in line(load, tmp_path)
    assert expected in refused("sample", tmp_path, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()
