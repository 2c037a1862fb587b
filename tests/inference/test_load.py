"""A trained generator from its folder: what it makes, and what is refused."""

import json
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders.extractor_files import line
from builders.generator_files import saved
from PIL import Image
from safetensors.torch import load_file, save_file

from gfmn import cli, generators
from gfmn.common.images import grid
from gfmn.generators.sampling import SampleConfig, sample
from gfmn.inference import load

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder with one seed; the generator is random, of 32 px and latent 16."""
    run = tmp_path_factory.mktemp("models") / "x"
    run.mkdir()
    saved(run / "seed-3")
    about = {"run": "x", "parameters": {"seed": 3}, "gaps": []}
    change(run / "seed-3", about)
    return run


def change(folder: Path, fields: dict[str, Any]) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def gfmn(*words: Any) -> None:
    cli.main([*map(str, words)])


def refused(*words: Any) -> str:
    """The one line on standard error that a command ends with, whose exit code is 1."""
    with pytest.raises(SystemExit) as ended:
        gfmn(*words)
    message = ended.value.code
    assert isinstance(message, str) and message.startswith("error: ") and "\n" not in message
    return message


@pytest.mark.parametrize("batchnorm", ["running", "batch"])
def test_samples_are_the_pipelines_own(model: Path, batchnorm: Any) -> None:
    network, about = generators.load(model / "seed-3")
    config = SampleConfig(count=300, seed=5, batchnorm=batchnorm)
    expected = sample(network, about["latent"], config)
    assert (load(model / "seed-3").sample(300, seed=5, batchnorm=batchnorm) == expected).all()


def test_a_runs_folder_with_one_seed_stands_for_that_seed(model: Path) -> None:
    generator = load(model)
    assert generator.folder == model / "seed-3" and generator.name == "x, trained with seed 3"
    assert (generator.latent, generator.image_size) == (16, 32)


def test_an_image_is_its_latents(model: Path) -> None:
    generator = load(model)
    z = generator.latents(4, seed=2)
    images = generator(z)
    assert images.shape == (4, 32, 32, 3) and images.dtype == np.uint8
    assert (generator(z.numpy()) == images).all()
    alone = generator(z[2:3])[0].astype(int)
    assert abs(alone - images[2]).max() <= 1  # another batch, another rounding
    assert abs(generator.sample(1, seed=2)[0].astype(int) - images[0]).max() <= 1
    for bad in (z[0], z[:, :5], z.int(), z[:0]):
        assert "z: expected N x 16 floats, found " in line(generator, bad)


def test_a_run_of_several_seeds_asks_for_one(tmp_path: Path) -> None:
    for seed in (1, 2):
        saved(tmp_path / f"seed-{seed}")
    assert line(load, tmp_path).endswith("found seed-1, seed-2: name one of these folders")


def remove(folder: Path) -> None:
    (folder / "generator.safetensors").unlink()


def truncate(folder: Path) -> None:
    path = folder / "generator.safetensors"
    path.write_bytes(path.read_bytes()[:-9])


def nothing_finite(folder: Path) -> None:
    state = load_file(folder / "generator.safetensors")
    state["layers.0.0.weight"][0, 0, 0, 0] = torch.nan
    save_file(state, folder / "generator.safetensors")


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (remove, "generator.safetensors: expected a generator's weights, found no file"),
        (truncate, "generator.safetensors: expected a whole safetensors file, found "),
        (nothing_finite, "expected finite weights, found others in layers.0.0.weight"),
        ({"latent": 17}, "of a dcgan of 32 px and latent 17, which config.json names, found 'lay"),
        ({"image_size": 64}, "of a dcgan of 64 px and latent 16, which config.json names, found "),
        ({"generator": "resnet"}, "of a resnet of 32 px and latent 16, which config.json names, "),
        ({"generator": "dcgn"}, "config.json: $.generator: no 'dcgn'; did you mean 'dcgan'?"),
        (
            {"image_size": 33},
            "config.json: $.image_size: expected one of 32, 48, 64, 128, found 33",
        ),
        ({"latent": "16"}, "config.json: $.latent: expected a valid integer, found '16'"),
        ("config.json", "config.json: expected a generator's description, found no file"),
        ("[1", "config.json: expected a generator's description, found Expecting"),
        ("[1]", "config.json: $: expected a mapping of parameters, found [1]"),
    ],
)
def test_files_that_are_no_generator_or_not_each_others_are_refused_in_one_line(
    tmp_path: Path, damage: Any, expected: str
) -> None:
    saved(tmp_path)
    if isinstance(damage, dict):
        change(tmp_path, damage)
    elif damage == "config.json":
        (tmp_path / damage).unlink()
    elif isinstance(damage, str):
        (tmp_path / "config.json").write_text(damage)
    else:
        damage(tmp_path)
    assert expected in line(load, tmp_path)
    assert expected in refused("sample", tmp_path, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_without_a_generator_is_refused(tmp_path: Path) -> None:
    assert line(load, tmp_path).endswith("found neither, nor seed-<k>/")
    assert line(load, tmp_path / "absent").endswith("generator's folder, found nothing")


def test_a_folder_an_array_and_a_grid_hold_the_same_images(model: Path, tmp_path: Path) -> None:
    expected = load(model).sample(7, seed=1)
    options = ("--count", 7, "--seed", 1)
    gfmn("sample", model, *options, "--out", tmp_path / "made/folder")
    gfmn("sample", model, *options, "--out", tmp_path / "made/array.npy")
    gfmn("sample", model, *options, "--out", tmp_path / "made/grid.png", "--columns", 4)
    files = sorted((tmp_path / "made/folder").iterdir())
    assert [path.name for path in files] == [f"{i:06d}.png" for i in range(7)]
    assert (np.stack([np.asarray(Image.open(path)) for path in files]) == expected).all()
    assert (np.load(tmp_path / "made/array.npy") == expected).all()
    picture = np.asarray(Image.open(tmp_path / "made/grid.png"))
    assert (picture == grid(expected, 4)).all()
    others = {path.name for path in (tmp_path / "made").iterdir()}
    assert others == {"folder", "array.npy", "grid.png"}  # nothing half written is left


def test_each_pixel_becomes_as_many_as_asked_for(model: Path, tmp_path: Path) -> None:
    gfmn("sample", model, "--count", 2, "--out", tmp_path / "a.png", "--scale", 3)
    picture = np.asarray(Image.open(tmp_path / "a.png"))
    small = grid(load(model).sample(2), 1)
    assert (picture[1::3, 2::3] == small).all() and (picture[::3, ::3] == small).all()
    assert picture.shape == (192, 96, 3)


def test_nothing_is_overwritten_unless_asked_for(model: Path, tmp_path: Path) -> None:
    for name in ("a.png", "a.npy", "a.gif", "a.onnx"):
        (tmp_path / name).write_text("mine")
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("000001.png", "000002.png", "mine.png"):
        (folder / name).write_text("mine")
    for name in ("a.png", "a.npy"):
        found = refused("sample", model, "--out", tmp_path / name)
        assert found.endswith("expected no file, found one; not overwritten")
    assert "expected no file" in refused("interpolate", model, "--out", tmp_path / "a.gif")
    assert "expected no file" in refused("export", model, tmp_path / "a.onnx")
    assert "expected an empty folder" in refused("sample", model, "--out", folder)
    assert {path.read_text() for path in tmp_path.rglob("*.*") if path.is_file()} == {"mine"}
    gfmn("sample", model, "--count", 2, "--out", folder, "--force")
    assert sorted(path.name for path in folder.iterdir()) == [
        *("000000.png", "000001.png", "mine.png")
    ]
    assert (folder / "mine.png").read_text() == "mine"
    gfmn("sample", model, "--count", 2, "--out", tmp_path / "a.npy", "--force")
    assert len(np.load(tmp_path / "a.npy")) == 2


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sample", "--out", "a.gif"], "found a.gif; gfmn interpolate makes GIFs"),
        (["sample", "--out", "a.jpg"], "expected a folder, a .npy or a .png file, found a.jpg"),
        (["sample", "--out", "a", "--count", "0"], "count: expected a whole number of at least 1"),
        (["sample", "--out", "a", "--seed", "-1"], "seed: expected"),
        (["sample", "--out", "a", "--scale", "0"], "scale: expected a whole number of at least 1"),
        (
            ["sample", "--out", "a", "--columns", "2"],
            "--columns: only for a .png file, found --out",
        ),
        (["sample", "--out", "a.npy", "--scale", "2"], "--scale: only for PNGs, found --out a.npy"),
        (["sample", "--out", "a.png", "--columns", "0"], "--columns: expected at least 1, found 0"),
        (["sample", "--out", "file/a.npy"], "file/a.npy: expected to write here, found: "),
        (
            ["sample", "--out", "a", "--count", "1", "--batchnorm", "batch"],
            "sample.count: expected",
        ),
        (["interpolate", "--out", "a.npy"], "--out: expected a .png or a .gif file, found a.npy"),
        (["interpolate", "--out", "a.png", "--points", "3"], "--points: only for a .gif file"),
        (
            ["interpolate", "--out", "a.png", "--columns", "1"],
            "columns: expected a whole number of",
        ),
        (["interpolate", "--out", "a.gif", "--points", "1"], "points: expected a whole number of"),
        (
            ["interpolate", "--out", "a.gif", "--milliseconds", "15"],
            "milliseconds: expected a mult",
        ),
        (["export", "a.pt"], "OUT: expected a .onnx file, found a.pt"),
    ],
)
def test_what_does_not_fit_is_one_line_and_leaves_no_file(
    model: Path,
    words: list[str],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    assert expected in refused(words[0], model, *words[1:])
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["file"]


def test_the_script_gfmn_is_this_command_and_says_how_it_is_used_without_loading_torch() -> None:
    (script,) = metadata.entry_points(group="console_scripts", name="gfmn")
    assert script.load() is cli.main
    code = "import sys; from gfmn.cli import main\ntry: main(['--help'])\n"
    code += "finally: assert 'torch' not in sys.modules, 'torch'"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0 and "gfmn interpolate data/models/running" in done.stdout


def test_the_pages_commands_are_ones_that_the_parser_takes() -> None:
    pages = [(ROOT / "docs/using.md").read_text(), cli.EXAMPLES]
    lines = [found.strip() for page in pages for found in page.splitlines()]
    commands = [found.split("#")[0].split()[1:] for found in lines if found.startswith("gfmn ")]
    assert {command[0] for command in commands} == {"sample", "interpolate", "export", "card"}
    for command in commands:
        assert cli._parser().parse_args(command).command
