"""A folder of small images, and a study of them as `gfmn new` makes it."""

from pathlib import Path

import pytest
from builders.commands import gfmn
from builders.photos import write_photos


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """200 images of two classes, 32 px."""
    return write_photos(tmp_path / "photos", 100, 32)


@pytest.fixture
def study(photos: Path) -> Path:
    """Made by `gfmn new`."""
    folder = photos.parent / "mine"
    gfmn("new", folder, "--images", photos)
    return folder
