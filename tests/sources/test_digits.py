"""Digits: classes and strokes of scikit-learn's."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from gfmn import sources
from gfmn.datasets import prepared


def prepare(folder: Path, **parameters: object) -> prepared.PreparedDataset:
    config = sources.parse(parameters, "datasets.x")
    sources.prepare(config, "x", folder)
    return prepared.read(folder)


def test_digits_keep_classes_and_strokes(tmp_path: Path) -> None:
    data = prepare(tmp_path, source="digits", count=200)
    original = load_digits()
    assert (np.load(tmp_path / "labels.npy") == original.target[:200]).all()
    small = data.images[..., 0].reshape(200, 8, 4, 8, 4).mean((2, 4)).ravel()
    assert np.corrcoef(small, original.images[:200].ravel())[0, 1] > 0.95
