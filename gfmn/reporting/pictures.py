"""Pictures on the way into a report: grids cut into images, real images picked, bytes for a page.

Values are never rescaled: what a generator made is what a reader sees.
"""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from gfmn.errors import InputError
from gfmn.images import grid
from gfmn.reporting.results import Evaluation, Study


def cut_tiles(path: Path, size: int) -> np.ndarray:
    """Cut a grid picture back into its images, row by row: R x C x size x size x 3 uint8."""
    try:
        picture = np.asarray(Image.open(path).convert("RGB"))
    except (UnidentifiedImageError, OSError) as error:
        raise InputError(f"{path}: expected a picture, found {error}") from None
    rows, columns = picture.shape[0] // size, picture.shape[1] // size
    if rows * size != picture.shape[0] or columns * size != picture.shape[1] or not rows:
        found = f"{picture.shape[1]} x {picture.shape[0]}"
        raise InputError(f"{path}: expected sides that are multiples of {size} px, found {found}")
    return picture.reshape(rows, size, columns, size, 3).swapaxes(1, 2)


def real_images(study: Study, dataset: Any, count: int) -> np.ndarray | None:
    """`count` images spread evenly over a prepared data set, N x H x W x 3 uint8."""
    path = study.folder / f"data/prepared/{dataset}/images.npy"
    if not path.exists():
        return None
    try:
        images = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError) as error:
        raise InputError(f"{path}: expected an array of images, found {error}") from None
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8 or not len(images):
        found = f"{images.shape} {images.dtype}"
        raise InputError(f"{path}: expected N x H x W x 3 uint8, found {found}")
    return np.asarray(images[np.linspace(0, len(images) - 1, count).astype(int)])


def sample_images(study: Study, run: str, count: int) -> np.ndarray | None:
    """The first `count` samples of a run's shown seed, N x H x W x 3 uint8; None without any."""
    result = study.runs[run]
    if result.shown.samples is None:
        return None
    tiles = cut_tiles(result.shown.samples, study.tile_size(result.parameters.get("dataset")))
    return tiles.reshape(-1, *tiles.shape[2:])[:count]


def neighbours(
    study: Study, evaluation: Evaluation, seed: int, space: str
) -> tuple[str, int, int] | None:
    """A picture of samples above their nearest real images, a gap between, as a data URI.

    Also how many samples it shows, and how many real images below each; `space` is pixel or
    feature. PNG, so that the page shows through the gap. None where there is no picture.
    """
    path = study.folder / f"data/neighbours/{evaluation.name}/seed-{seed}-{space}.png"
    if not path.exists():
        return None
    size = study.tile_size(evaluation.dataset)
    tiles = cut_tiles(path, size)
    if len(tiles) < 2:
        raise InputError(f"{path}: expected a row of samples above real images, found one row")
    samples, real = (
        grid(part.reshape(-1, size, size, 3), tiles.shape[1]) for part in (tiles[:1], tiles[1:])
    )
    gap = np.zeros((size // 4, samples.shape[1], 4), np.uint8)
    parts = [np.dstack([part, np.full(part.shape[:2], 255, np.uint8)]) for part in (samples, real)]
    buffer = io.BytesIO()
    Image.fromarray(np.concatenate([parts[0], gap, parts[1]])).save(buffer, "PNG", optimize=True)
    return data_uri(buffer.getvalue(), "image/png"), tiles.shape[1], len(tiles) - 1


def jpeg_uri(images: np.ndarray, columns: int) -> str:
    """A grid as a data URI: JPEG at quality 92, its colour at full resolution.

    A third of a PNG's size, and its blocks of 8 px do not cross the images' borders.
    """
    buffer = io.BytesIO()
    Image.fromarray(grid(images, columns)).save(buffer, "JPEG", quality=92, subsampling=0)
    return data_uri(buffer.getvalue(), "image/jpeg")


def data_uri(content: bytes, kind: str) -> str:
    """Bytes as a URI that a page carries within itself."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
