"""Features are read in parts: no score needs all rows at once or depends on the parts' sizes."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from builders.features import normal

from gfmn.metrics import arrays, nearest, precision_recall
from gfmn.metrics.arrays import CHUNK
from gfmn.metrics.class_score import class_score
from gfmn.metrics.classes import class_report
from gfmn.metrics.frechet import frechet_to
from gfmn.metrics.gaussian import Gaussian
from gfmn.metrics.infinity import frechet_infinity
from gfmn.metrics.kernel import kernel_distance
from gfmn.metrics.precision_recall import radii

PART = 400  # rows that a score with parts of its own asks for


class LargeMatrix:
    """Stands for a matrix that is too large to be read at once: only its parts are arrays."""

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

    def reshape(self, *shape: int) -> "LargeMatrix":
        return self

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise AssertionError("the whole matrix was asked for")


REFERENCE = Gaussian.fit(np.random.default_rng(1).normal(size=(100, 256)))
LARGE: dict[str, Callable[[LargeMatrix], object]] = {
    "fit": Gaussian.fit,
    "frechet": lambda rows: frechet_to(rows, REFERENCE),
    "infinity": lambda rows: frechet_infinity(rows, REFERENCE, 3, len(rows) // 2, 0),
    "kernel": lambda rows: kernel_distance(rows, rows, 3, PART, 0),
    "class score": lambda rows: class_score(rows, 10, 0),
    "classes": class_report,
    "precision": lambda rows: precision_recall.precision_recall(
        rows, rows.few[:50], 3, np.ones(len(rows))
    ),
    "nearest": lambda rows: nearest.nearest(rows.few[:50], rows, 3),
    "queries": lambda rows: nearest.nearest(rows, rows.few[:50], 3),
}
CUT: dict[str, Callable[[np.ndarray, np.ndarray], object]] = {
    "fit": lambda x, y: Gaussian.fit(x).covariance.flatten().tolist(),
    "infinity": lambda x, y: frechet_infinity(x, Gaussian.fit(y), 4, 20, 0),
    "class score": lambda x, y: class_score(x, 3, 0),
    "classes": lambda x, y: class_report(x)["confidence"],
    "radii": lambda x, y: radii(x, 3).tolist(),
    "precision": lambda x, y: precision_recall.precision_recall(x, y, 3),
    "nearest": lambda x, y: nearest.nearest(x, y, 3)[0].flatten().tolist(),
    "neighbors": lambda x, y: nearest.nearest(x, y, 3)[1].flatten().tolist(),
    "left out": lambda x, y: nearest.nearest(x, x, 3, leave_out=np.arange(60))[1].mean(),
}


@pytest.mark.parametrize("name", LARGE)
def test_no_score_asks_for_more_rows_than_a_chunk(name: str) -> None:
    rows = LargeMatrix(60_000, 256)
    LARGE[name](rows)
    assert 0 < rows.most * 256 <= CHUNK < rows.size / 3


@pytest.mark.parametrize("name", ["precision", "nearest", "queries"])
def test_distances_are_in_memory_in_blocks_however_narrow_the_rows(name: str) -> None:
    rows = LargeMatrix(20_000, 1)
    LARGE[name](rows)
    assert 0 < rows.most <= 4096


def test_large_matrix_notices_a_score_that_asks_for_all() -> None:
    with pytest.raises(AssertionError, match="whole"):
        np.asarray(LargeMatrix(10, 2))


@pytest.mark.parametrize("score", [Gaussian.fit, class_report])
def test_memory_does_not_grow_with_the_rows_of_a_file(score: Callable, tmp_path: Path) -> None:
    peaks = []
    for n in (200_000, 600_000):  # 102 and 307 MB in float64
        features = np.memmap(tmp_path / str(n), np.float32, "w+", shape=(n, 64))
        features[:, 0] = 1
        tracemalloc.start()
        score(features)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] < 2.5 * 8 * CHUNK


@pytest.mark.parametrize("name", CUT)
def test_no_score_depends_on_the_sizes_of_chunks(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = normal(0, 60, 5), normal(1, 71, 5)
    whole = CUT[name](x, y)
    monkeypatch.setattr(arrays, "CHUNK", 7 * 5)
    monkeypatch.setattr(precision_recall, "BLOCK", 4)
    monkeypatch.setattr(nearest, "QUERIES", 11)
    monkeypatch.setattr(nearest, "VALUES", 9 * 5)
    monkeypatch.setattr(nearest, "BLOCK", 6)
    assert CUT[name](x, y) == pytest.approx(whole, rel=1e-11)
