"""Images in a page: grids as data URIs, none rescaled."""

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from gfmn.common import paths
from gfmn.common.images import grid
from gfmn.reporting.images import (
    cut_tiles,
    grid_columns,
    grid_rows,
    interpolations,
    real_images,
    sample_images,
)
from gfmn.reporting.memorization import SPACES, own_evaluations
from gfmn.reporting.results import RunResult, Study

THUMBNAIL = (6, 2)  # columns and rows of images
FRAME = 4  # columns and rows of images of a grid along training


def thumbnail(study: Study, run: str) -> str | None:
    """A few samples of a run."""
    columns, rows = THUMBNAIL
    return uri(sample_images(study, run, columns * rows), columns)


def samples(study: Study, run: str, rows: int | None = None) -> str | None:
    """The first samples of a run, so many rows of them."""
    size = study.image_size(study.runs[run].dataset)
    columns = grid_columns(size)
    return uri(sample_images(study, run, columns * (rows or grid_rows(size))), columns)


def real(study: Study, dataset: str, rows: int | None = None) -> str | None:
    """Images of a data set, spread over it."""
    size = study.image_size(dataset)
    columns = grid_columns(size)
    return uri(real_images(study, dataset, columns * (rows or grid_rows(size))), columns)


def walks(study: Study, run: str) -> str | None:
    """Interpolations between two samples, a row each."""
    tiles = interpolations(study, run, 4)
    return None if tiles is None else uri(tiles.reshape(-1, *tiles.shape[2:]), tiles.shape[1])


def neighbors(study: Study, run: RunResult) -> dict[str, str]:
    """A row of samples, below each its nearest training images; by where they are near."""
    found = {}
    for evaluation, scores in own_evaluations(study, run):
        for space in SPACES:
            where = "pixels" if space == "pixel" else f"features of {scores.evaluator}"
            folder = study.folder / paths.neighbors(evaluation.name)
            files = [folder / f"seed-{seed.seed}-{space}.png" for seed in scores.seeds]
            path = next((path for path in files if path.exists()), None)
            if path and where not in found:
                tiles = cut_tiles(path, study.image_size(evaluation.dataset))
                found[where] = _encode(grid(tiles.reshape(-1, *tiles.shape[2:]), tiles.shape[1]))
    return found


def frames(study: Study, run: RunResult) -> list[tuple[int, str]]:
    """Grids of the same noise along a run's training, of the first seed that has any."""
    size = study.image_size(run.dataset)
    seed = next((seed for seed in run.seeds if seed.grids), None)
    return [(step, _corner(path, size)) for step, path in seed.grids] if seed else []


def uri(images: np.ndarray | None, columns: int) -> str | None:
    """Images as one grid; None where there are none."""
    return None if images is None or not len(images) else _encode(grid(images, columns))


def png_uri(content: bytes) -> str:
    """A PNG file's content."""
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def _corner(path: Path, size: int) -> str:
    tiles = cut_tiles(path, size)[:FRAME, :FRAME]
    return _encode(grid(tiles.reshape(-1, size, size, 3), tiles.shape[1]))


def _encode(image: np.ndarray) -> str:
    """JPEG at quality 92, its color at full resolution: a third of a PNG's size.

    Its blocks of 8 px do not cross the images' borders.
    """
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=92, subsampling=0)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
