"""A folder of small images of two classes."""

from pathlib import Path

import numpy as np
from PIL import Image

COLORS = {"blue": (40, 60, 200), "red": (200, 60, 40)}


def write_photos(folder: Path, count: int, size: int) -> Path:
    """Noise about a class's color, `count` images of each, size x size pixels; the folder."""
    rng = np.random.default_rng(0)
    for name, color in COLORS.items():
        (folder / name).mkdir(parents=True)
        for i in range(count):
            pixels = np.clip(np.array(color) + rng.integers(-40, 40, (size, size, 3)), 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{name}/{i}.png")
    return folder
