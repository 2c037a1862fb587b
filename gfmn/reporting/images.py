"""Images for the report, none rescaled: cut from grids, chosen from data sets, as data URIs."""

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from gfmn.common import paths
from gfmn.common.errors import InputError
from gfmn.common.images import grid, read_image, read_images
from gfmn.reporting.results import RunResult, Study

LARGE = 64  # px: of wider images a row has fewer
THUMBNAIL = (6, 2)  # columns and rows of images
FRAME = 4  # columns and rows of images of a grid along training


def grid_columns(size: int) -> int:
    """How many images of `size` px are in a row of the page's grids."""
    return 8 if size <= LARGE else 5


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


def thumbnail(study: Study, run: str) -> str | None:
    """A few samples of a run."""
    columns, rows = THUMBNAIL
    return _uri(sample_images(study, run, columns * rows), columns)


def samples(study: Study, run: str, rows: int | None = None) -> str | None:
    """The first samples of a run, so many rows of them."""
    columns, usual = _shape(study, study.runs[run].dataset)
    return _uri(sample_images(study, run, columns * (rows or usual)), columns)


def real(study: Study, dataset: str) -> str | None:
    """Images of a data set, spread over it."""
    columns, rows = _shape(study, dataset)
    return _uri(real_images(study, dataset, columns * rows), columns)


def walks(study: Study, run: RunResult) -> str | None:
    """Interpolations between two samples of a run's shown seed, a row each."""
    shown = run.shown_seed.samples
    path = shown.with_name(f"{shown.stem}-interpolation.png") if shown else None
    return _grid(path, study.image_size(run.dataset), 4) if path and path.exists() else None


def neighbors(study: Study, run: RunResult) -> dict[str, str]:
    """A row of samples, below each its nearest training images; by where they are near."""
    found = {}
    for one, _ in run.own_scores(study.evaluators):
        for space in ("pixel", "feature"):
            where = "pixels" if space == "pixel" else f"features of {one.evaluator}"
            folder = study.folder / paths.neighbors(one.name)
            files = [folder / f"seed-{seed.seed}-{space}.png" for seed in run.seeds]
            path = next((path for path in files if path.exists()), None)
            if path and where not in found:
                found[where] = _grid(path, study.image_size(one.dataset))
    return found


def frames(study: Study, run: RunResult) -> list[tuple[int, str]]:
    """Grids of the same noise along a run's training, of the first seed that has any."""
    seed = next((seed for seed in run.seeds if seed.grids), None)
    size = study.image_size(run.dataset)
    return [(step, _grid(path, size, FRAME, FRAME)) for step, path in seed.grids] if seed else []


def png_uri(content: bytes) -> str:
    """A PNG file's content."""
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def _shape(study: Study, dataset: str) -> tuple[int, int]:
    """Columns and rows of a card's grid."""
    size = study.image_size(dataset)
    return grid_columns(size), 5 if size <= LARGE else 3


def _grid(path: Path, size: int, rows: int | None = None, columns: int | None = None) -> str:
    """A grid's first rows and columns."""
    tiles = cut_tiles(path, size)[:rows, :columns]
    return _encode(grid(tiles.reshape(-1, size, size, 3), tiles.shape[1]))


def _uri(images: np.ndarray | None, columns: int) -> str | None:
    return None if images is None or not len(images) else _encode(grid(images, columns))


def _encode(image: np.ndarray) -> str:
    """JPEG at quality 92, its color at full resolution: a third of a PNG's size.

    Its blocks of 8 px do not cross the images' borders.
    """
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=92, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
