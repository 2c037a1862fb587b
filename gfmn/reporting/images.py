"""Images for the report: grids cut into single images, real images chosen, samples read.

Values are never rescaled: a reader sees what a generator made.
"""

from pathlib import Path

import numpy as np

from gfmn.common import paths
from gfmn.common.errors import InputError
from gfmn.common.images import read_image, read_images
from gfmn.reporting.results import Study

LARGE = 64  # px: of wider images a row has fewer


def grid_columns(size: int) -> int:
    """How many images of `size` px are in a row of the page's grids."""
    return 8 if size <= LARGE else 5


def grid_rows(size: int) -> int:
    """How many rows of them a run's card shows."""
    return 5 if size <= LARGE else 3


def cut_tiles(path: Path, size: int) -> np.ndarray:
    """Cut a grid back into its images, row by row: R x C x size x size x 3 uint8."""
    image = read_image(path)
    rows, columns = image.shape[0] // size, image.shape[1] // size
    if rows * size != image.shape[0] or columns * size != image.shape[1] or not rows:
        shape = f"{image.shape[1]} x {image.shape[0]}"
        raise InputError(f"{path}: expected sides that are multiples of {size} px, found {shape}")
    return image.reshape(rows, size, columns, size, 3).swapaxes(1, 2)


def real_images(study: Study, dataset: str, count: int) -> np.ndarray | None:
    """`count` images spread evenly over a prepared data set, N x H x W x 3 uint8.

    Every other one comes first, so that the first half is spread over the whole set too.
    """
    path = study.folder / paths.prepared(dataset) / "images.npy"
    if not path.exists():
        return None
    images = read_images(path)
    if not len(images):
        raise InputError(f"{path}: expected images, found none")
    chosen = np.linspace(0, len(images) - 1, count).astype(int)
    return np.asarray(images[np.concatenate([chosen[::2], chosen[1::2]])])


def sample_images(study: Study, run: str, count: int) -> np.ndarray | None:
    """The first `count` samples of a run's shown seed, N x H x W x 3 uint8; None without any."""
    result = study.runs[run]
    samples = result.shown_seed.samples
    if samples is None:
        return None
    tiles = cut_tiles(samples, study.image_size(result.dataset))
    return tiles.reshape(-1, *tiles.shape[2:])[:count]


def interpolations(study: Study, run: str, rows: int) -> np.ndarray | None:
    """The first `rows` interpolations between two samples of a run's shown seed.

    R x C x H x W x 3 uint8, or None where their file is not there.
    """
    result = study.runs[run]
    samples = result.shown_seed.samples
    if samples is None:
        return None
    path = samples.with_name(f"{samples.stem}-interpolation.png")
    if not path.exists():
        return None
    return cut_tiles(path, study.image_size(result.dataset))[:rows]
