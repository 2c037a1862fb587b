"""The images of a page: each is held once, under a name, and shown wherever that is used."""

import base64
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from gfmn.common.errors import InputError
from gfmn.common.images import grid
from gfmn.reporting.images import (
    cut_tiles,
    grid_columns,
    grid_rows,
    interpolations,
    real_images,
    sample_images,
)
from gfmn.reporting.memorization import Space
from gfmn.reporting.results import RunEvaluation, Study


@dataclass(frozen=True)
class ImageGrid:
    """A grid of images of `tile` px each, as the page holds it.

    `shown` is how many rows a card shows; a large figure shows all.
    """

    name: str
    uri: str
    columns: int
    rows: int
    tile: int
    shown: int


class ImageStore:
    """Every grid that was asked for, made once; of grids with equal content the first."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._by_name: dict[str, ImageGrid | None] = {}
        self._by_content: dict[str, ImageGrid] = {}
        figures = (figure for figure in study.config.figures.values() if figure.kind == "samples")
        self._large = {run for figure in figures for run in figure.runs}

    @property
    def grids(self) -> list[ImageGrid]:
        """Those that are there, in the order in which they were asked for."""
        return list(self._by_content.values())

    def real(self, dataset: str) -> ImageGrid | None:
        """Images of a data set, spread evenly over it."""
        name = f"real-{dataset}"
        if name not in self._by_name:
            size = self._study.image_size(dataset)
            columns, rows = grid_columns(size), 2 * grid_rows(size)
            images = real_images(self._study, dataset, columns * rows)
            self._store(name, images, columns, grid_rows(size))
        return self._by_name[name]

    def samples(self, run: str) -> ImageGrid | None:
        """The first samples of a run; a square of them where a figure shows the run large."""
        name = f"samples-{run}"
        if name not in self._by_name:
            size = self._image_size(run)
            columns = grid_columns(size)
            rows = columns if run in self._large else grid_rows(size)
            images = sample_images(self._study, run, columns * rows)
            self._store(name, images, columns, grid_rows(size))
        return self._by_name[name]

    def interpolations(self, run: str) -> ImageGrid | None:
        """Interpolations between two samples of a run, a row each."""
        name = f"interpolations-{run}"
        if name not in self._by_name:
            rows = 3 if grid_columns(self._image_size(run)) == 8 else 2
            self._store_rows(name, interpolations(self._study, run, rows))
        return self._by_name[name]

    def neighbors(self, evaluation: RunEvaluation, seed: int, space: Space) -> ImageGrid | None:
        """A row of samples, and below each its nearest real images."""
        name = f"neighbors-{evaluation.name}-{seed}-{space}"
        if name not in self._by_name:
            folder = self._study.folder / "data/neighbors" / evaluation.name
            path = folder / f"seed-{seed}-{space}.png"
            tiles = None
            if path.exists():
                tiles = cut_tiles(path, self._study.image_size(evaluation.dataset))
                if len(tiles) < 2:
                    expected = "a row of samples above real images"
                    raise InputError(f"{path}: expected {expected}, found one row")
            self._store_rows(name, tiles)
        return self._by_name[name]

    def _image_size(self, run: str) -> int:
        return self._study.image_size(self._study.runs[run].dataset)

    def _store_rows(self, name: str, tiles: np.ndarray | None) -> None:
        if tiles is None:
            self._by_name[name] = None
        else:
            images = tiles.reshape(-1, *tiles.shape[2:])
            self._store(name, images, tiles.shape[1], len(tiles))

    def _store(self, name: str, images: np.ndarray | None, columns: int, shown: int) -> None:
        if images is None or not len(images):
            self._by_name[name] = None
            return
        rows, size = -(-len(images) // columns), images.shape[1]
        uri = _jpeg_uri(images, columns)
        image_grid = ImageGrid(name, uri, columns, rows, size, min(shown, rows))
        self._by_name[name] = self._by_content.setdefault(uri, image_grid)


def figure_uri(png: bytes, *, has_images: bool) -> str:
    """A figure as a data URI; one with images in it as WebP, a fifth of its PNG's size."""
    if not has_images:
        return _data_uri(png, "image/png")
    buffer = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(buffer, "WEBP", quality=88, method=6)
    return _data_uri(buffer.getvalue(), "image/webp")


def _jpeg_uri(images: np.ndarray, columns: int) -> str:
    """A grid as a data URI: JPEG at quality 92, its color at full resolution.

    A third of a PNG's size, and its blocks of 8 px do not cross the images' borders.
    """
    buffer = io.BytesIO()
    Image.fromarray(grid(images, columns)).save(buffer, "JPEG", quality=92, subsampling=0)
    return _data_uri(buffer.getvalue(), "image/jpeg")


def _data_uri(content: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
