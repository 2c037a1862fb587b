"""Classifiers trained here: accuracy, held-out images, learning rate, augmentation."""

from pathlib import Path

import numpy as np
import pytest
import torch
from builders.extractor_files import line
from builders.pretraining import CLASSIFIER, digits_of, task, trained
from hypothesis import given
from hypothesis import strategies as st

from gfmn.datasets.prepared import PreparedDataset
from gfmn.features.extractor import load_extractor
from gfmn.networks import Classifier
from gfmn.networks.extractor_file import read_header, save_extractor
from gfmn.pretraining.classifier import ClassifierTraining, augment


def test_classifier_learns_digits(
    tmp_path: Path,
) -> None:
    digits = digits_of(16, tmp_path / "data")
    found = trained(digits, tmp_path, CLASSIFIER, epochs=10, holdout=0.25)
    assert isinstance(found, ClassifierTraining)
    result = found.result()
    assert result.metrics["held_out"] == 100 and result.metrics["trained_on"] == 300
    assert result.metrics["accuracy"] > 0.8 > 4 * result.metrics["chance"]
    assert not set(found.held) & set(found.kept)
    # The same accuracy from the file, with the network that extractors use.
    path = tmp_path / "net.safetensors"
    save_extractor(path, [result.record])
    assert read_header(path).networks[0].provenance["metrics"] == result.metrics
    extractor = load_extractor(path, 16, precision="fp32")
    network = extractor.networks[0]
    assert isinstance(network, Classifier)
    images = torch.from_numpy(digits.images[found.held]).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        _, logits = network.pooled_and_logits(images)
    assert digits.labels is not None
    accuracy = float((logits.argmax(1).numpy() == digits.labels[found.held]).mean())
    assert accuracy == pytest.approx(result.metrics["accuracy"], abs=0.011)


def test_epoch_reads_each_training_image_once(
    digits: PreparedDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = task(digits, CLASSIFIER, batch=36)
    assert isinstance(found, ClassifierTraining)
    read: list[int] = []

    class Watched:
        def __getitem__(self, indices: np.ndarray) -> np.ndarray:
            read.extend(indices)
            return np.asarray(digits.images[indices])

    found.data = PreparedDataset(Watched(), digits.metadata)  # type: ignore[arg-type]
    found._error = lambda x, labels: x.mean()
    for step in range(found.steps):
        found.loss(step)
    assert found.steps == 10 and sorted(read) == sorted(found.kept)


def test_classifier_needs_labels(digits: PreparedDataset) -> None:
    bare = PreparedDataset(digits.images, digits.metadata)
    assert "expected labels to train a classifier on" in line(task, bare, CLASSIFIER)


def test_learning_rate_of_classifier(digits: PreparedDataset) -> None:
    found = task(digits, CLASSIFIER, epochs=10, lr=0.5, warmup=0.2)
    rates = [found.rate(step) for step in range(found.steps)]
    peak = int(np.argmax(rates))
    assert max(rates) == pytest.approx(0.5) and peak == pytest.approx(0.2 * found.steps, abs=2)
    assert rates[: peak + 1] == sorted(rates[: peak + 1]) and rates[-1] < 0.01
    assert rates[peak:] == sorted(rates[peak:], reverse=True)


@given(st.integers(0, 1000), st.integers(0, 4), st.booleans())
def test_augment_shifts_and_mirrors(seed: int, crop: int, flip: bool) -> None:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    found = augment(images, crop, flip, rng)
    assert found.shape == images.shape and found.dtype == np.uint8
    for image, part in zip(images, found, strict=True):
        padded = np.pad(image, ((crop, crop), (crop, crop), (0, 0)), mode="reflect")
        windows = [
            padded[i : i + 8, j : j + 8] for i in range(2 * crop + 1) for j in range(2 * crop + 1)
        ]
        if flip:
            windows += [window[:, ::-1] for window in windows]
        assert any((window == part).all() for window in windows)


def test_augment_mirrors_half_and_shifts_all_ways() -> None:
    image = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(1, 8, 8, 3).repeat(2000, 0)
    found = augment(image, 1, True, np.random.default_rng(0))
    kinds, counts = np.unique(found.reshape(2000, -1), axis=0, return_counts=True)
    assert len(kinds) == 18 and counts.min() > 60
    mirrored = found[:, 4, 3, 0].astype(int) > found[:, 4, 4, 0].astype(int)
    assert mirrored.mean() == pytest.approx(0.5, abs=0.05)
