"""From images to scores: what is compared with what, under which names."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders.extractor_files import line, record
from PIL import Image, ImageFilter

from gfmn import sources
from gfmn.datasets import prepared
from gfmn.datasets.prepared import PreparedDataset as Prepared
from gfmn.metrics import reference
from gfmn.metrics.config import KernelConfig, MetricsConfig
from gfmn.metrics.evaluation import Evaluation, compare, describe_real, real_against_real
from gfmn.metrics.evaluator import Evaluator, load_evaluator
from gfmn.metrics.frechet import Gaussian, frechet_distance
from gfmn.metrics.scores import Score, Space, means, thousands
from gfmn.networks import build
from gfmn.networks.extractor_file import NetworkRecord, save_extractor

KERNEL = KernelConfig(subsets=5, size=100)
CONFIG = MetricsConfig(counts=(200,), splits=3, kernel=KERNEL, nearest=100)
COUNT = 400


def data_of(folder: Path, name: str, **fields: Any) -> Prepared:
    row = {"source": name, "image_size": 32, "count": COUNT, **fields}
    sources.prepare(sources.parse(row, name), name, folder / name)
    return prepared.read(folder / name)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return data_of(tmp_path_factory.mktemp("data"), "photos", smallest=0.2)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    return data_of(tmp_path_factory.mktemp("data"), "digits")


@pytest.fixture(scope="module")
def eye(tmp_path_factory: pytest.TempPathFactory) -> Evaluator:
    """A network with random weights: its features are local, and tell images apart."""
    path = tmp_path_factory.mktemp("eye") / "eye.safetensors"
    save_extractor(path, [record("eye")])
    return load_evaluator(path)


@pytest.fixture(scope="module")
def described(
    photos: Prepared, eye: Evaluator, tmp_path_factory: pytest.TempPathFactory
) -> tuple[reference.Reference, Path]:
    folder = tmp_path_factory.mktemp("reference")
    found, _ = describe_real(photos, None, eye, CONFIG, folder)
    reference.save(found, folder)
    return reference.load(folder, {}), folder


def test_score_names_say_space_and_count_and_fids_own_only_where_it_is_inceptions() -> None:
    space, canonical = Space("lite2"), Space("inception", canonical=True)
    assert [space.key(s, 5000) for s in ("fd", "kd", "score", "recall")] == [
        *("fd_lite2_5k", "kd_lite2_5k", "score_lite2_5k", "recall_lite2_5k")
    ]
    assert [canonical.key(s, 50000) for s in ("score", "kd")] == ["is_50k", "kid_50k"]
    assert canonical.key("fd", "inf") == "fid_inf"
    assert canonical.key("precision", 5000) == "precision_inception_5k"
    assert (thousands(50000), thousands(1797)) == ("50k", "1797")


def blurred(images: np.ndarray, radius: float) -> np.ndarray:
    blur = ImageFilter.GaussianBlur(radius)
    return np.stack([np.asarray(Image.fromarray(image).filter(blur)) for image in images])


def test_more_blur_is_farther_away_and_copies_are_found_out(
    photos: Prepared, eye: Evaluator, described: tuple[reference.Reference, Path], tmp_path: Path
) -> None:
    found: list[Evaluation] = []
    for radius in (0, 1, 2):
        images, spool = blurred(photos.images, radius), tmp_path / str(radius)
        found.append(compare(images, photos, described[0], eye, CONFIG, spool))
    for name in ("fd_eye_400", "fd_eye_inf", "kd_eye_400"):
        values = [f.scores[name].value for f in found]
        assert values == sorted(values) and values[0] < values[2], name
    copies = found[0].scores
    assert copies["fd_eye_400"].value == pytest.approx(0, abs=1e-6)
    assert copies["precision_eye_400"].value == copies["recall_eye_400"].value == 1
    assert copies["memorised_pixel_100"].value == copies["memorised_eye_100"].value == 1
    assert found[0].nearest["pixel"]["generated"] == [0.0] * 101
    assert found[0].nearest["pixel"]["held_out"][50] > 1
    assert not [name for name in copies if name.startswith("score")]  # it has no classifier


def test_scores_do_not_depend_on_the_order_in_which_the_real_images_lie(
    photos: Prepared, eye: Evaluator, tmp_path: Path
) -> None:
    """Sorted by colour, one half of them would be unlike the other."""
    order = np.argsort(np.asarray(photos.images).mean((1, 2, 3)))
    images = np.asarray(photos.images)[order]
    halves = []
    for name, arrays in (("as_they_are", photos.images), ("sorted", images)):
        data = Prepared(arrays, photos.metadata)
        both = describe_real(data, None, eye, CONFIG, tmp_path / name)
        evaluation, n_real, n_reference = real_against_real(data, None, both, eye, CONFIG, tmp_path)
        assert (n_real, n_reference) == (COUNT // 2, COUNT // 2)
        halves.append(evaluation.scores["fd_eye_200"].value)
    features = eye.features(images).pooled
    apart = frechet_distance(*(Gaussian.fit(half) for half in (features[:200], features[200:])))
    assert apart > 2 * max(halves)


def test_held_out_images_are_scored_against_all_real_ones(
    photos: Prepared, eye: Evaluator, tmp_path: Path
) -> None:
    real = Prepared(photos.images[:300], photos.metadata)
    held_out = Prepared(photos.images[300:], photos.metadata)
    both = describe_real(real, held_out, eye, CONFIG, tmp_path / "reference")
    found, n_real, n_reference = real_against_real(real, held_out, both, eye, CONFIG, tmp_path)
    assert (n_real, n_reference) == (100, 300) and "fd_eye_100" in found.scores
    assert len(both[0].held_out["pixel"]) == 100
    assert both[0].held_out["pixel"][0] > 0


def test_a_classifier_of_the_datas_own_classes_reports_on_them(
    digits: Prepared, tmp_path: Path
) -> None:
    provenance = {"trained_on": "digits", "parameters": {"task": "classifier"}}
    torch.manual_seed(0)
    state = build("resnet18", classes=10).state_dict()
    made = NetworkRecord("own", "resnet18", state, provenance, {"classes": 10})
    save_extractor(tmp_path / "own.safetensors", [made])
    own = load_evaluator(tmp_path / "own.safetensors")
    assert own.in_domain == "digits"
    both = describe_real(digits, None, own, CONFIG, tmp_path / "reference")
    real, _, _ = real_against_real(digits, None, both, own, CONFIG, tmp_path)
    assert {"accuracy_own_200", "confidence_own_200", "covered_own_200"} <= set(real.scores)
    one = np.asarray(digits.images)[np.asarray(digits.labels) == 0]
    found = compare(one.repeat(4, 0), digits, both[0], own, CONFIG, tmp_path / "one")
    assert not [name for name in found.scores if name.startswith("accuracy")]  # nothing was asked
    shares = found.classes
    assert shares is not None and sum(shares["generated"]) == pytest.approx(1, abs=1e-5)
    expected = np.abs(np.array(shares["real"]) - np.array(shares["generated"])).sum() / 2
    distance = found.scores[f"class_distance_own_{thousands(len(one) * 4)}"].value
    assert distance == pytest.approx(expected, abs=1e-4)


def test_a_picture_begins_with_the_nearest_samples_above_their_real_neighbours(
    photos: Prepared, eye: Evaluator, described: tuple[reference.Reference, Path], tmp_path: Path
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (120, 32, 32, 3), np.uint8)
    images[17] = photos.images[200]
    config = CONFIG.model_copy(update={"nearest": 120})
    found = compare(images, photos, described[0], eye, config, tmp_path)
    for space in ("pixel", "feature"):
        picture = found.pictures[space]
        assert picture.shape == (4 * 32, 8 * 32, 3)
        for row in (0, 1):  # the copy first, its original below
            tile = picture[32 * row : 32 * row + 32, :32]
            np.testing.assert_array_equal(tile, photos.images[200])


def test_a_reference_is_read_as_it_was_written_and_another_is_refused(
    described: tuple[reference.Reference, Path], eye: Evaluator, photos: Prepared, tmp_path: Path
) -> None:
    read, folder = described
    about = read.about
    assert about["dataset_digest"] == photos.metadata["digest"]
    assert about["evaluator_digest"] == eye.digest and about["resizer"] == "none"
    assert about["settings"]["counts"] == [200]
    again, _ = describe_real(photos, None, eye, CONFIG, tmp_path)
    assert torch.equal(again.real.gaussian.covariance, read.real.gaussian.covariance)
    np.testing.assert_array_equal(again.real.radii, read.real.radii)
    assert isinstance(read.real.features, np.memmap)
    reference.save(again, tmp_path)
    for name in ("features.npy", "reference.safetensors"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    message = line(reference.load, tmp_path, {"evaluator_digest": "b"})
    assert f"{tmp_path / 'reference.safetensors'}: expected evaluator_digest 'b', found" in message
    (tmp_path / "features.npy").write_bytes((tmp_path / "features.npy").read_bytes()[:500])
    message = line(reference.load, tmp_path, {})
    assert message.startswith(f"{tmp_path / 'features.npy'}: expected 400 x")
    path = tmp_path / "reference.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    assert "expected a whole safetensors file" in line(reference.load, tmp_path, {})


def test_images_of_another_size_are_refused(
    photos: Prepared, eye: Evaluator, described: tuple[reference.Reference, Path], tmp_path: Path
) -> None:
    images = np.zeros((10, 40, 40, 3), np.uint8)
    message = line(compare, images, photos, described[0], eye, CONFIG, tmp_path)
    assert message == "eye: expected images of one size, found (40, 40), and real ones of (32, 32)"


def test_scores_are_written_short_and_means_are_over_seeds() -> None:
    score = Score(1234.56789, 0.5, "10 splits").to_json()
    assert score == {"value": 1234.57, "std": 0.5, "over": "10 splits"}
    assert json.loads(json.dumps(Score(2.0).to_json())) == {"value": 2.0}
    assert means([{"a": Score(1.0)}, {"a": Score(2.0), "b": Score(5.0)}]) == {"a": 1.5, "b": 5.0}
