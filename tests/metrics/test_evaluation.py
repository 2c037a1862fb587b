"""From images to scores: what is compared with what."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders.extractor_files import line, record
from PIL import Image, ImageFilter

from gfmn import sources
from gfmn.datasets import prepared
from gfmn.datasets.prepared import PreparedDataset as PreparedDataset
from gfmn.metrics import reference
from gfmn.metrics.config import KernelConfig, MetricsConfig
from gfmn.metrics.evaluation import (
    EvaluationResult,
    compare,
    describe_real,
    labels_by_name,
    real_against_real,
)
from gfmn.metrics.evaluator import Evaluator, load_evaluator
from gfmn.metrics.frechet import frechet_distance
from gfmn.metrics.gaussian import Gaussian
from gfmn.metrics.metric import Reference, thousands
from gfmn.networks import build
from gfmn.networks.extractor_file import NetworkRecord, save_extractor

KERNEL = KernelConfig(subsets=5, size=100)
CONFIG = MetricsConfig(counts=(200,), splits=3, kernel=KERNEL, neighbors=100)
COUNT = 400


def data_of(folder: Path, name: str, **fields: Any) -> PreparedDataset:
    row = {"source": name, "image_size": 32, "count": COUNT, **fields}
    sources.prepare(sources.parse(row, name), name, folder / name)
    return prepared.read(folder / name)


def classifier_of(dataset: str, folder: Path) -> Evaluator:
    """As a study trains one on a data set of 10 classes, with random weights."""
    provenance = {"trained_on": dataset, "parameters": {"task": "classifier"}}
    torch.manual_seed(0)
    state = build("resnet18", classes=10).state_dict()
    made = NetworkRecord("own", "resnet18", state, provenance, {"classes": 10})
    save_extractor(folder / "own.safetensors", [made])
    return load_evaluator(folder / "own.safetensors")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    return data_of(tmp_path_factory.mktemp("data"), "photos", smallest=0.2)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    return data_of(tmp_path_factory.mktemp("data"), "digits")


@pytest.fixture(scope="module")
def evaluator(tmp_path_factory: pytest.TempPathFactory) -> Evaluator:
    """A network with random weights: its features are local, and tell images apart."""
    path = tmp_path_factory.mktemp("evaluator") / "net.safetensors"
    save_extractor(path, [record("net")])
    return load_evaluator(path)


@pytest.fixture(scope="module")
def described(
    photos: PreparedDataset, evaluator: Evaluator, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Reference, Path]:
    folder = tmp_path_factory.mktemp("reference")
    found, _ = describe_real(photos, None, evaluator, CONFIG, folder)
    reference.save(found, folder)
    return reference.load(folder, {}), folder


def blurred(images: np.ndarray, radius: float) -> np.ndarray:
    blur = ImageFilter.GaussianBlur(radius)
    return np.stack([np.asarray(Image.fromarray(image).filter(blur)) for image in images])


def test_compare_distances_grow_with_blur_and_copies_are_memorized(
    photos: PreparedDataset, evaluator: Evaluator, described: tuple[Reference, Path], tmp_path: Path
) -> None:
    found: list[EvaluationResult] = []
    for radius in (0, 1, 2):
        images, folder = blurred(photos.images, radius), tmp_path / str(radius)
        found.append(compare(images, photos, described[0], evaluator, CONFIG, folder))
    for name in ("fd_net_400", "fd_net_inf", "kd_net_400"):
        values = [f.scores[name].value for f in found]
        assert values == sorted(values) and values[0] < values[2], name
    copies = found[0].scores
    assert copies["fd_net_400"].value == pytest.approx(0, abs=1e-6)
    assert copies["precision_net_400"].value == copies["recall_net_400"].value == 1
    assert copies["memorised_pixel_100"].value == copies["memorised_net_100"].value == 1
    assert found[0].nearest["pixel"]["generated"] == [0.0] * 101
    assert found[0].nearest["pixel"]["held_out"][50] > 1
    assert not [name for name in copies if name.startswith("score")]  # it has no classifier


def test_real_against_real_does_not_depend_on_the_images_order(
    photos: PreparedDataset, evaluator: Evaluator, tmp_path: Path
) -> None:
    """Sorted by color, one half of them would be unlike the other."""
    order = np.argsort(np.asarray(photos.images).mean((1, 2, 3)))
    images = np.asarray(photos.images)[order]
    halves = []
    for name, arrays in (("as_they_are", photos.images), ("sorted", images)):
        data = PreparedDataset(arrays, photos.metadata)
        both = describe_real(data, None, evaluator, CONFIG, tmp_path / name)
        evaluation, n_real, n_reference = real_against_real(
            data, None, both, evaluator, CONFIG, tmp_path
        )
        assert (n_real, n_reference) == (COUNT // 2, COUNT // 2)
        halves.append(evaluation.scores["fd_net_200"].value)
    features = evaluator.features(images).pooled
    apart = frechet_distance(*(Gaussian.fit(half) for half in (features[:200], features[200:])))
    assert apart > 2 * max(halves)


def test_real_against_real_compares_held_out_images_with_all(
    photos: PreparedDataset, evaluator: Evaluator, tmp_path: Path
) -> None:
    real = PreparedDataset(photos.images[:300], photos.metadata)
    held_out = PreparedDataset(photos.images[300:], photos.metadata)
    both = describe_real(real, held_out, evaluator, CONFIG, tmp_path / "reference")
    found, n_real, n_reference = real_against_real(
        real, held_out, both, evaluator, CONFIG, tmp_path
    )
    assert (n_real, n_reference) == (100, 300) and "fd_net_100" in found.scores
    assert len(both[0].held_out["pixel"]) == 100
    assert both[0].held_out["pixel"][0] > 0


def test_compare_with_a_classifier_of_the_data_reports_classes(
    digits: PreparedDataset, tmp_path: Path
) -> None:
    own = classifier_of("digits", tmp_path)
    assert own.trained_on == "digits"
    both = describe_real(digits, None, own, CONFIG, tmp_path / "reference")
    real, _, _ = real_against_real(digits, None, both, own, CONFIG, tmp_path)
    assert {"accuracy_own_200", "confidence_own_200", "covered_own_200"} <= set(real.scores)
    one = np.asarray(digits.images)[np.asarray(digits.labels) == 0]
    found = compare(one.repeat(4, 0), digits, both[0], own, CONFIG, tmp_path / "one")
    assert not [name for name in found.scores if name.startswith("accuracy")]  # no labels
    shares = found.classes
    assert shares is not None and sum(shares["generated"]) == pytest.approx(1, abs=1e-5)
    expected = np.abs(np.array(shares["real"]) - np.array(shares["generated"])).sum() / 2
    distance = found.scores[f"class_distance_own_{thousands(len(one) * 4)}"].value
    assert distance == pytest.approx(expected, abs=1e-4)


def test_classifier_of_other_data_is_a_space_alone(
    digits: PreparedDataset, photos: PreparedDataset, tmp_path: Path
) -> None:
    own = classifier_of("digits", tmp_path)
    for data, known in ((digits, True), (photos, False)):
        folder = tmp_path / str(known)
        both = describe_real(data, None, own, CONFIG, folder)
        assert both[0].facts["in_domain"] is known
        real, _, _ = real_against_real(data, None, both, own, CONFIG, tmp_path)
        assert ("accuracy_own_200" in real.scores) is (real.classes is not None) is known
        assert "fd_own_200" in real.scores
    assert int(np.max(photos.labels)) > 9  # more than it has classes


def test_compare_picture_begins_with_the_nearest_samples(
    photos: PreparedDataset, evaluator: Evaluator, described: tuple[Reference, Path], tmp_path: Path
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (120, 32, 32, 3), np.uint8)
    images[17] = photos.images[200]
    config = CONFIG.model_copy(update={"neighbors": 120})
    found = compare(images, photos, described[0], evaluator, config, tmp_path)
    for space in ("pixel", "feature"):
        picture = found.pictures[space]
        assert picture.shape == (4 * 32, 8 * 32, 3)
        for row in (0, 1):  # the copy first, its original below
            tile = picture[32 * row : 32 * row + 32, :32]
            np.testing.assert_array_equal(tile, photos.images[200])


def test_describe_real_writes_the_same_bytes_again(
    photos: PreparedDataset, evaluator: Evaluator, described: tuple[Reference, Path], tmp_path: Path
) -> None:
    read, folder = described
    assert read.facts["dataset_digest"] == photos.metadata["digest"]
    assert read.facts["evaluator_digest"] == evaluator.digest and read.facts["resizer"] == "none"
    assert read.facts["settings"]["counts"] == [200]
    again, _ = describe_real(photos, None, evaluator, CONFIG, tmp_path)
    reference.save(again, tmp_path)
    for name in ("features.npy", "reference.safetensors"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_compare_images_of_another_size_is_a_one_line_error(
    photos: PreparedDataset, evaluator: Evaluator, described: tuple[Reference, Path], tmp_path: Path
) -> None:
    images = np.zeros((10, 40, 40, 3), np.uint8)
    message = line(compare, images, photos, described[0], evaluator, CONFIG, tmp_path)
    assert message == "net: expected images of one size, found (40, 40), and real ones of (32, 32)"


def test_labels_are_compared_by_the_names_of_their_classes(tmp_path: Path) -> None:
    colors = {"blue": (0, 0, 255), "green": (0, 255, 0), "red": (255, 0, 0)}

    def folder(name: str, *classes: str) -> PreparedDataset:
        for color in classes:
            (tmp_path / name / color).mkdir(parents=True)
            Image.new("RGB", (8, 8), colors.get(color)).save(tmp_path / name / color / "0.png")
        row = {"source": "folder", "path": str(tmp_path / name), "image_size": 8, "workers": 0}
        sources.prepare(sources.parse(row, "x"), name, tmp_path / f"prepared-{name}")
        return prepared.read(tmp_path / f"prepared-{name}")

    data, held_out = folder("real", "blue", "green", "red"), folder("held", "blue", "red")
    assert held_out.labels is not None and held_out.labels.tolist() == [0, 1]
    labels = labels_by_name(held_out, data)
    assert labels is not None and labels.tolist() == [0, 2]
    more = folder("more", "blue", "gray")
    assert labels_by_name(more, data, needed=False) is None
    expected = "data set 'more': expected classes that the data set 'real' has too, found 'gray'"
    assert line(labels_by_name, more, data) == expected
