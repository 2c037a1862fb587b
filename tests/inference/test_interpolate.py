"""`gfmn interpolate`: grids and GIFs of the images between samples."""

from pathlib import Path

import numpy as np
import pytest
from builders.commands import gfmn, refused
from PIL import Image

from gfmn.common.images import grid
from gfmn.inference import load


def test_grid_has_the_interpolations_of_python(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.png"
    gfmn("interpolate", model, "--out", out, "--rows", 3, "--seed", 5)
    images = load(model).interpolate(rows=3, seed=5)
    assert images.shape == (3, 10, 32, 32, 3)
    assert (np.asarray(Image.open(out)) == grid(images.reshape(30, 32, 32, 3), 10)).all()


def test_gif_has_frames_duration_size_and_loops_forever(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.gif"
    options = ("--points", 2, "--frames", 3, "--milliseconds", 50, "--rows", 1, "--columns", 2)
    gfmn("interpolate", model, "--out", out, *options)
    with Image.open(out) as image:
        assert (image.n_frames, image.info["duration"], image.info["loop"]) == (6, 50, 0)
        assert image.size == (2 * 32 * 6, 32 * 6)  # at most 384 px


def test_nothing_is_overwritten_without_force(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.gif"
    out.write_text("mine")
    assert "expected no file" in refused("interpolate", model, "--out", out)
    assert out.read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("a.npy", "--out: expected a .png or a .gif file, found a.npy"),
        ("a.png --points 3", "--points: only for a .gif file, found --out a.png"),
        ("a.png --columns 1", "columns: expected a whole number of at least 2, found 1"),
        ("a.gif --points 1", "points: expected a whole number of at least 2, found 1"),
        ("a.png --rows 0", "--rows: expected a whole number of at least 1, found 0"),
        ("a.png --rows 1000 --columns 1000", "pixels: expected at most 268,435,456 in a file"),
        ("a.gif --points 1000 --frames 1000", "pixels: expected at most 268,435,456 in a file"),
        ("a.gif --scale 90", "scale: expected at most"),
        ("a.gif --milliseconds 700000", "--milliseconds: expected at most 655350, found 700000"),
        ("a.gif --milliseconds 15", "milliseconds: expected a multiple of 10 that is 20 or more"),
    ],
)
def test_options_that_do_not_fit_leave_no_file(
    model: Path, options: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert expected in refused("interpolate", model, "--out", *options.split())
    assert not list(tmp_path.iterdir())
