"""Large sets of features are read in parts, and no part is kept."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gfmn.metrics.manifold import precision_recall

from gfmn.metrics.arrays import CHUNK
from gfmn.metrics.class_score import class_score
from gfmn.metrics.classes import class_report
from gfmn.metrics.frechet import Gaussian, frechet_to
from gfmn.metrics.infinity import frechet_infinity
from gfmn.metrics.kernel import kernel_distance
from gfmn.metrics.nearest import nearest

PART = 400  # rows that a score with parts of its own asks for


class Rows:
    """A stand-in for a matrix that is too large to be read at once: only its parts are arrays."""

    ndim = 2

    def __init__(self, n: int, d: int) -> None:
        self.shape, self.size = (n, d), n * d
        self.most = 0  # rows that were asked for at once
        self.few = np.random.default_rng(0).normal(size=(1000, d)).astype(np.float32)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: slice | np.ndarray) -> np.ndarray:
        numbers = np.arange(len(self))[index]
        self.most = max(self.most, len(numbers))
        return self.few[numbers % 1000]

    def reshape(self, *shape: int) -> "Rows":
        return self

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise AssertionError("the whole matrix was asked for")


REFERENCE = Gaussian.fit(np.random.default_rng(1).normal(size=(100, 256)))

SCORES: dict[str, Callable[[Rows], object]] = {
    "fit": Gaussian.fit,
    "frechet": lambda rows: frechet_to(rows, REFERENCE),
    "infinity": lambda rows: frechet_infinity(rows, REFERENCE, 3, len(rows) // 2, 0),
    "kernel": lambda rows: kernel_distance(rows, rows, 3, PART, 0),
    "class score": lambda rows: class_score(rows, 10, 0),
    "classes": class_report,
    "precision": lambda rows: precision_recall(rows, rows.few[:50], 3, np.ones(len(rows))),
    "nearest": lambda rows: nearest(rows.few[:50], rows, 3),
    "queries": lambda rows: nearest(rows, rows.few[:50], 3),
}


@pytest.mark.parametrize("name", SCORES)
def test_no_score_asks_for_more_rows_than_a_chunk(name: str) -> None:
    rows = Rows(60_000, 256)
    SCORES[name](rows)
    assert 0 < rows.most * 256 <= CHUNK < rows.size / 3


@pytest.mark.parametrize("name", ["precision", "nearest", "queries"])
def test_distances_are_in_memory_in_blocks_however_narrow_the_rows(name: str) -> None:
    rows = Rows(20_000, 1)
    SCORES[name](rows)
    assert 0 < rows.most <= 4096


def test_the_stand_in_notices_a_score_that_asks_for_all() -> None:
    with pytest.raises(AssertionError, match="whole"):
        np.asarray(Rows(10, 2))


@pytest.mark.parametrize("score", [Gaussian.fit, class_report])
def test_memory_does_not_grow_with_the_rows_of_a_memory_mapped_file(
    score: Callable, tmp_path: Path
) -> None:
    peaks = []
    for n in (200_000, 600_000):  # 102 and 307 MB in float64
        features = np.memmap(tmp_path / str(n), np.float32, "w+", shape=(n, 64))
        features[:, 0] = 1
        tracemalloc.start()
        score(features)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] < 2.5 * 8 * CHUNK
