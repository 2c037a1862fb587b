"""`gfmn sample`: the same images in every format, and options that do not fit."""

import json
from pathlib import Path

import numpy as np
import pytest
from builders.commands import gfmn, refused
from builders.generator_files import change_config, saved
from PIL import Image

from gfmn.common.images import grid
from gfmn.inference import load


def test_folder_array_and_grid_hold_the_same_images(model: Path, tmp_path: Path) -> None:
    expected = load(model).sample(7, seed=1)
    options = ("--count", 7, "--seed", 1)
    gfmn("sample", model, *options, "--out", tmp_path / "made/folder")
    gfmn("sample", model, *options, "--out", tmp_path / "made/array.npy")
    gfmn("sample", model, *options, "--out", tmp_path / "made/grid.png", "--columns", 4)
    files = sorted((tmp_path / "made/folder").glob("*.png"))
    assert [path.name for path in files] == [f"{i:06d}.png" for i in range(7)]
    assert (np.stack([np.asarray(Image.open(path)) for path in files]) == expected).all()
    assert (np.load(tmp_path / "made/array.npy") == expected).all()
    image = np.asarray(Image.open(tmp_path / "made/grid.png"))
    assert (image == grid(expected, 4)).all()
    names = {path.name for path in (tmp_path / "made").iterdir()}
    assert names == {"folder", "array.npy", "grid.png"}  # no temporary file is left


def test_standard_output_has_the_bytes_of_a_file(
    model: Path, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    for name in ("npy", "png"):
        gfmn("sample", model, "--count", 3, "--out", tmp_path / f"a.{name}")
        capsysbinary.readouterr()
        gfmn("sample", model, "--count", 3, "--out", "-", "--format", name)
        shown = capsysbinary.readouterr()
        assert shown.out == (tmp_path / f"a.{name}").read_bytes()
        assert shown.err.startswith(b"-: 3 images of x, trained with seed 3")


def test_folder_is_an_imagefolder_of_the_hub(model: Path, tmp_path: Path) -> None:
    gfmn("sample", model, "--count", 3, "--seed", 5, "--out", tmp_path / "plain")
    rows = metadata(tmp_path / "plain")
    assert rows == [{"file_name": f"00000{i}.png", "seed": 5, "index": i} for i in range(3)]
    saved(tmp_path / "model", class_frequencies=(0.25, 0.75))
    change_config(
        tmp_path / "model", class_frequencies=(0.25, 0.75), class_names=["bird", "house cat"]
    )
    gfmn("sample", tmp_path / "model", "--count", 40, "--out", tmp_path / "classes")
    last = load(tmp_path / "model").latents(40)[:, -1]
    expected = ["bird" if float(u) < -0.6745 else "house cat" for u in last]  # a quarter of N(0, 1)
    assert [row["label"] for row in metadata(tmp_path / "classes")] == expected
    assert len(set(expected)) == 2
    gfmn("sample", tmp_path / "model", "--count", 2, "--class", "bird", "--out", tmp_path / "bird")
    assert [row["label"] for row in metadata(tmp_path / "bird")] == ["bird", "bird"]


def metadata(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]


def test_scale_repeats_each_pixel(model: Path, tmp_path: Path) -> None:
    gfmn("sample", model, "--count", 2, "--out", tmp_path / "a.png", "--scale", 3)
    image = np.asarray(Image.open(tmp_path / "a.png"))
    small = grid(load(model).sample(2), 1)
    assert (image[1::3, 2::3] == small).all() and (image[::3, ::3] == small).all()
    assert image.shape == (192, 96, 3)


def test_printed_line_says_what_was_written(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gfmn("sample", model, "--count", 2, "--out", tmp_path / "a.npy", "--batchnorm", "batch")
    expected = "2 images of x, trained with seed 3; latents of seed 0, batch norm on batch "
    assert capsys.readouterr().out == f"{tmp_path / 'a.npy'}: {expected}statistics\n"


def test_nothing_is_overwritten_without_force(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    files = [tmp_path / "a.png", tmp_path / "a.npy"]
    files += [folder / name for name in ("000001.png", "000002.png", "mine.png")]
    for path in files:
        path.write_text("mine")
    for path in files[:2]:
        found = refused("sample", model, "--out", path)
        assert found.endswith("expected no file, found one; not overwritten")
    assert "expected an empty folder" in refused("sample", model, "--out", folder)
    assert {path.read_text() for path in files} == {"mine"}
    gfmn("sample", model, "--count", 2, "--out", folder, "--force")
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["000000.png", "000001.png", "metadata.jsonl", "mine.png"]
    assert (folder / "mine.png").read_text() == "mine"
    gfmn("sample", model, "--count", 2, "--out", tmp_path / "a.npy", "--force")
    assert len(np.load(tmp_path / "a.npy")) == 2


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("a.gif", "--out: expected a folder, a .npy or a .png file, found a.gif; gfmn interpolate"),
        ("a.jpg", "--out: expected a folder, a .npy or a .png file, found a.jpg"),
        ("a --count 0", "count: expected a whole number of at least 1, found 0"),
        ("a --seed -1", "seed: expected"),
        ("a.png --count 1000000", "pixels: expected at most 268,435,456 in a file"),
        ("a --scale 0", "scale: expected a whole number of at least 1, found 0"),
        ("a --scale 1000000", "scale: expected at most 512, found 1000000"),
        ("a.png --scale 1000000", "scale: expected at most 64, found 1000000"),
        ("a --count 1000000000000000000", "count: expected at most 1000000, found 10000000000000"),
        ("a --seed 18446744073709551616", "seed: expected at most 4294967295, found"),
        ("a --truncation inf", "--truncation: expected at most 1000000.0, found inf"),
        (f"{'o' * 300}.png", "File name too long"),
        (f"{'o' * 300}/a.npy", "File name too long"),
        ("o\0.png", "expected arguments without NUL"),
        ("a --columns 2", "--columns: only for a .png file, found --out a"),
        ("a.npy --scale 2", "--scale: only for PNGs, found --out a.npy"),
        ("a.png --columns 0", "--columns: expected a whole number of at least 1, found 0"),
        ("file/a.npy", "file/a.npy: expected to write here, found: "),
        ("a --count 1 --batchnorm batch", "sample.count: expected"),
    ],
)
def test_options_that_do_not_fit_leave_no_file(
    model: Path, options: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    assert expected in refused("sample", model, "--out", *options.split())
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["file"]


def test_class_is_the_only_thing_that_class_changes(tmp_path: Path) -> None:
    frequencies = (0.25, 0.75)
    saved(tmp_path / "model", class_frequencies=frequencies)
    change_config(
        tmp_path / "model", class_frequencies=frequencies, class_names=["bird", "house cat"]
    )
    generator = load(tmp_path / "model")
    for name, quantile in (("bird", -3.0), ("house cat", 3.0)):  # the classes meet at -0.67
        out = tmp_path / f"{name}.npy"
        gfmn("sample", tmp_path / "model", "--count", 5, "--class", name, "--out", out)
        z = generator.latents(5)
        z[:, -1] = quantile
        assert (np.load(out) == generator(z)).all()
    assert (np.load(tmp_path / "bird.npy") != np.load(tmp_path / "house cat.npy")).any()


def test_class_that_a_generator_has_not_is_a_one_line_error(model: Path, tmp_path: Path) -> None:
    found = refused("sample", model, "--class", "cat", "--out", tmp_path / "a.npy")
    assert found.endswith("no class 'cat'; it has no classes")
    saved(tmp_path / "model", class_frequencies=(0.5, 0.5))
    change_config(tmp_path / "model", class_frequencies=(0.5, 0.5), class_names=["bird", "cat"])
    found = refused("sample", tmp_path / "model", "--class", "birds", "--out", tmp_path / "a.npy")
    assert "no class 'birds'" in found and "bird" in found.split("'birds'")[1]
