"""The pictures of a page: each is held once, under a name, and shown wherever it is named."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from gfmn.common.errors import InputError
from gfmn.reporting.pictures import (
    columns_of,
    cut_tiles,
    interpolations,
    jpeg_uri,
    real_images,
    rows_of,
    sample_images,
)
from gfmn.reporting.results import Evaluation, Study


@dataclass(frozen=True)
class Picture:
    """A grid of images: its name on the page, its content, its sides in images of `tile` px.

    `shown` is how many rows a card shows; a large figure shows all.
    """

    name: str
    uri: str
    columns: int
    rows: int
    tile: int
    shown: int


class Album:
    """Every picture that was asked for, made once; of equal ones the first."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._made: dict[str, Picture | None] = {}
        self._held: dict[str, Picture] = {}  # by content
        figures = (figure for figure in study.config.figures.values() if figure.kind == "samples")
        self._large = {run for figure in figures for run in figure.runs}

    @property
    def pictures(self) -> list[Picture]:
        """Those that are there, in the order in which they were asked for."""
        return list(self._held.values())

    def real(self, dataset: Any) -> Picture | None:
        """Images of a data set, spread evenly over it."""
        name = f"real-{dataset}"
        if name not in self._made:
            size = self._study.tile_size(dataset)
            columns, rows = columns_of(size), 2 * rows_of(size)
            images = real_images(self._study, dataset, columns * rows)
            self._keep(name, images, columns, rows_of(size))
        return self._made[name]

    def samples(self, run: str) -> Picture | None:
        """The first samples of a run; a square of them where a figure shows the run large."""
        name = f"samples-{run}"
        if name not in self._made:
            size = self._study.tile_size(self._study.runs[run].parameters.get("dataset"))
            columns = columns_of(size)
            rows = columns if run in self._large else rows_of(size)
            images = sample_images(self._study, run, columns * rows)
            self._keep(name, images, columns, rows_of(size))
        return self._made[name]

    def between(self, run: str) -> Picture | None:
        """Ways between two samples of a run, a row each."""
        name = f"between-{run}"
        if name not in self._made:
            size = self._study.tile_size(self._study.runs[run].parameters.get("dataset"))
            tiles = interpolations(self._study, run, 3 if columns_of(size) == 8 else 2)
            self._keep_rows(name, tiles)
        return self._made[name]

    def near(self, evaluation: Evaluation, seed: int, space: str) -> Picture | None:
        """A row of samples, and below each its nearest real images; `space`: pixel or feature."""
        name = f"near-{evaluation.name}-{seed}-{space}"
        if name not in self._made:
            folder = self._study.folder / f"data/neighbors/{evaluation.name}"
            path = folder / f"seed-{seed}-{space}.png"
            tiles = None
            if path.exists():
                tiles = cut_tiles(path, self._study.tile_size(evaluation.dataset))
                if len(tiles) < 2:
                    expected = "a row of samples above real images"
                    raise InputError(f"{path}: expected {expected}, found one row")
            self._keep_rows(name, tiles)
        return self._made[name]

    def _keep_rows(self, name: str, tiles: np.ndarray | None) -> None:
        if tiles is None:
            self._made[name] = None
        else:
            images = tiles.reshape(-1, *tiles.shape[2:])
            self._keep(name, images, tiles.shape[1], len(tiles))

    def _keep(self, name: str, images: np.ndarray | None, columns: int, shown: int) -> None:
        if images is None or not len(images):
            self._made[name] = None
            return
        rows, size = -(-len(images) // columns), images.shape[1]
        uri = jpeg_uri(images, columns)
        picture = Picture(name, uri, columns, rows, size, min(shown, rows))
        self._made[name] = self._held.setdefault(uri, picture)
