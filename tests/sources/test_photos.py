"""Crops of photographs: deterministic, and from all of them."""

import hashlib
from pathlib import Path

import numpy as np
from builders.image_sources import prepare


def digests(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}


def test_photos_depend_on_the_seed_alone(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        prepare(tmp_path / name, source="photos", count=40, seed=seed, image_size=32)
    a, b, c = (digests(tmp_path / name / "prepared") for name in "abc")
    assert a == b and a["images.npy"] != c["images.npy"]


def test_photos_are_colored_and_of_every_photograph(tmp_path: Path) -> None:
    data = prepare(tmp_path, source="photos", count=300, image_size=32)
    assert data.images.shape == (300, 32, 32, 3) and data.images.dtype == np.uint8
    assert data.labels is not None and set(data.labels.tolist()) == set(range(11))
    assert data.images.std() > 50 and np.ptp(data.images[..., 0] - data.images[..., 2]) > 100
