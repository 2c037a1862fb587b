"""Pictures on the way into a report: grids cut into images, real images picked, bytes for a page.

Values are never rescaled: what a generator made is what a reader sees.
"""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from gfmn.common.errors import InputError
from gfmn.common.images import grid
from gfmn.reporting.results import Study

LARGE = 64  # px: a wider image has fewer beside it


def columns_of(size: int) -> int:
    """How many images of `size` px stand in a row of a page's grids."""
    return 8 if size <= LARGE else 5


def rows_of(size: int) -> int:
    """How many rows of them a run's card shows."""
    return 5 if size <= LARGE else 3


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
    """`count` images spread evenly over a prepared data set, N x H x W x 3 uint8.

    Every other one comes first, so that the first half is spread over the whole set too.
    """
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
    chosen = np.linspace(0, len(images) - 1, count).astype(int)
    return np.asarray(images[np.concatenate([chosen[::2], chosen[1::2]])])


def sample_images(study: Study, run: str, count: int) -> np.ndarray | None:
    """The first `count` samples of a run's shown seed, N x H x W x 3 uint8; None without any."""
    result = study.runs[run]
    if result.shown.samples is None:
        return None
    tiles = cut_tiles(result.shown.samples, study.tile_size(result.parameters.get("dataset")))
    return tiles.reshape(-1, *tiles.shape[2:])[:count]


def interpolations(study: Study, run: str, rows: int) -> np.ndarray | None:
    """Images on the way between two samples of a run's shown seed, the first `rows` ways.

    R x C x H x W x 3 uint8, or None where the file of them is not there.
    """
    result = study.runs[run]
    if result.shown.samples is None:
        return None
    path = result.shown.samples.with_name(f"{result.shown.samples.stem}-interpolation.png")
    if not path.exists():
        return None
    return cut_tiles(path, study.tile_size(result.parameters.get("dataset")))[:rows]


def jpeg_uri(images: np.ndarray, columns: int) -> str:
    """A grid as a data URI: JPEG at quality 92, its colour at full resolution.

    A third of a PNG's size, and its blocks of 8 px do not cross the images' borders.
    """
    buffer = io.BytesIO()
    Image.fromarray(grid(images, columns)).save(buffer, "JPEG", quality=92, subsampling=0)
    return data_uri(buffer.getvalue(), "image/jpeg")


def figure_uri(png: bytes, *, photographs: bool) -> str:
    """A figure as a data URI; one with photographs as WebP, a fifth of its PNG's size."""
    if not photographs:
        return data_uri(png, "image/png")
    buffer = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(buffer, "WEBP", quality=88, method=6)
    return data_uri(buffer.getvalue(), "image/webp")


def data_uri(content: bytes, kind: str) -> str:
    """Bytes as a URI that a page carries within itself."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
