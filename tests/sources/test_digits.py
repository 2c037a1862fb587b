"""Digits: classes and strokes of scikit-learn's."""

from pathlib import Path

import numpy as np
from builders.image_sources import prepare
from sklearn.datasets import load_digits


def test_digits_keep_classes_and_strokes(tmp_path: Path) -> None:
    data = prepare(tmp_path, source="digits", count=200, image_size=32)
    original = load_digits()
    assert data.labels is not None and (data.labels == original.target[:200]).all()
    small = data.images[..., 0].reshape(200, 8, 4, 8, 4).mean((2, 4)).ravel()
    assert np.corrcoef(small, original.images[:200].ravel())[0, 1] > 0.95
