"""A folder of small images, and a study of them as `gfmn new` makes it."""

from pathlib import Path

import numpy as np
import pytest
from builders.commands import gfmn
from PIL import Image


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """200 images of two classes, 32 px."""
    rng = np.random.default_rng(0)
    for name, color in (("blue", (40, 60, 200)), ("red", (200, 60, 40))):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(100):
            pixels = np.clip(np.array(color) + rng.integers(-40, 40, (32, 32, 3)), 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / f"photos/{name}/{i}.png")
    return tmp_path / "photos"


@pytest.fixture
def study(photos: Path) -> Path:
    """Made by `gfmn new`."""
    folder = photos.parent / "mine"
    gfmn("new", folder, "--images", photos)
    return folder
