"""Extractors trained here: what they learn, what they never see, and an exact resume."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders.extractor_files import line
from hypothesis import given
from hypothesis import strategies as st

from gfmn import generators, pretraining, sources
from gfmn.common.errors import InputError, Stopped
from gfmn.datasets import prepared
from gfmn.datasets.prepared import PreparedDataset, split
from gfmn.features.extractor import load_extractor
from gfmn.networks import Classifier
from gfmn.networks.extractor_file import read_header, save_extractor
from gfmn.networks.small_convolution import convolve
from gfmn.pretraining.base import Pretraining
from gfmn.pretraining.classifier import ClassifierTraining, augment
from gfmn.pretraining.laplacian import laplacian_distance, pyramid, rebuilt
from gfmn.runtime.checkpoints import Checkpoints

CLASSIFIER = {
    "task": "classifier",
    "architecture": "vgg11_bn",
    "dataset": "digits",
    "epochs": 1,
    "batch": 32,
    "lr": 0.02,
    "crop": 2,
    "flip": False,
    "precision": "fp32",
}
AUTOENCODER = {
    "task": "autoencoder",
    "architecture": "dcgan_encoder",
    "dataset": "digits",
    "latent": 16,
    "steps": 6,
    "batch": 8,
    "precision": "fp32",
}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    return digits_of(32, tmp_path_factory.mktemp("data") / "digits")


def digits_of(size: int, folder: Path) -> PreparedDataset:
    row = {"source": "digits", "count": 400, "image_size": size}
    sources.prepare(sources.parse(row, "x"), "digits", folder)
    return prepared.read(folder)


@pytest.fixture(autouse=True)
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling a classifier takes longer than all of these tests."""
    monkeypatch.setattr("gfmn.pretraining.classifier.compiler_present", lambda: False)


def task(data: PreparedDataset, row: dict[str, Any], **changes: Any) -> Pretraining:
    return pretraining.build(pretraining.parse({**row, **changes}, "x"), "net", data)


def trained(
    data: PreparedDataset, folder: Path, row: dict[str, Any], **changes: Any
) -> Pretraining:
    found = task(data, row, **changes)
    pretraining.pretrain(found, Checkpoints(folder, "net", "f"))
    return found


def test_a_classifier_learns_digits_and_says_how_well_on_images_that_it_never_saw(
    tmp_path: Path,
) -> None:
    digits = digits_of(16, tmp_path / "data")
    found = trained(digits, tmp_path, CLASSIFIER, epochs=10, holdout=0.25)
    assert isinstance(found, ClassifierTraining)
    result = found.result()
    assert result.metrics["held_out"] == 100 and result.metrics["trained_on"] == 300
    assert result.metrics["accuracy"] > 0.8 > 4 * result.metrics["chance"]
    assert not set(found.held) & set(found.kept)
    # The same figure from the file, by way of the network that extractors use.
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


@given(st.integers(2, 200), st.floats(0.01, 0.99), st.integers(0, 5), st.sampled_from([1, 2]))
def test_a_split_has_every_image_once_and_keeps_mirror_images_together(
    pairs: int, share: float, seed: int, group: int
) -> None:
    held, kept = split(pairs * group, share, seed, group)
    assert sorted([*held, *kept]) == list(range(pairs * group)) and len(held) >= group
    assert abs(len(held) / group - share * pairs) <= 1
    assert {i // group for i in held}.isdisjoint({i // group for i in kept})
    again, _ = split(pairs * group, share, seed, group)
    assert (again == held).all()


def test_training_reads_every_kept_image_once_an_epoch_and_none_that_is_held_out(
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


@pytest.mark.parametrize("row", [CLASSIFIER, AUTOENCODER], ids=["classifier", "autoencoder"])
def test_a_stopped_pretraining_goes_on_to_the_same_bytes(
    row: dict[str, Any], digits: PreparedDataset, tmp_path: Path
) -> None:
    whole = task(digits, row)
    history = pretraining.pretrain(whole, Checkpoints(tmp_path / "a", "net", "f"))

    class Killed(BaseException):
        pass

    half = task(digits, row)
    step = half.step

    def until(number: int) -> torch.Tensor:
        if number == 3:
            raise Killed
        return step(number)

    half.step = until  # type: ignore[method-assign]
    places = Checkpoints(tmp_path / "b", "net", "f")
    with pytest.raises(Killed):
        pretraining.pretrain(half, places, every=0.0)
    rest = task(digits, row, **{})
    again = pretraining.pretrain(rest, places)
    assert again.text() == history.text()
    expected, found = whole.state(), rest.state()
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)
    assert whole.result().metrics == rest.result().metrics


def test_a_signal_ends_a_pretraining_with_its_state_kept(
    digits: PreparedDataset, tmp_path: Path
) -> None:
    import signal

    found = task(digits, AUTOENCODER)
    step = found.step

    def asked(number: int) -> torch.Tensor:
        if number == 2:
            signal.raise_signal(signal.SIGTERM)
        return step(number)

    found.step = asked  # type: ignore[method-assign]
    places = Checkpoints(tmp_path, "net", "f")
    with pytest.raises(Stopped, match="stopped by SIGTERM after step 3 of 6"):
        pretraining.pretrain(found, places)
    kept = places.latest()
    assert kept is not None and kept.step == 3


@pytest.mark.parametrize("architecture", ["dcgan_encoder", "vgg19_encoder"])
@pytest.mark.parametrize("error", ["squared", "laplacian"])
def test_an_autoencoder_learns_and_leaves_an_extractor_and_a_decoder(
    architecture: str, error: str, digits: PreparedDataset, tmp_path: Path
) -> None:
    changes = {"architecture": architecture, "error": error, "steps": 12, "decoder": "resnet"}
    found = task(digits, AUTOENCODER, **changes)
    losses = [float(found.step(step)) for step in range(12)]
    assert np.mean(losses[-3:]) < 0.8 * losses[0]
    result = found.result()
    assert set(result.metrics) == {"squared_error", "laplacian_error", "images"}
    save_extractor(tmp_path / "net.safetensors", [result.record])
    extractor = load_extractor(tmp_path / "net.safetensors", 32, precision="fp32")
    features = sum(torch.Size(tap.shape).numel() for tap in extractor.taps)
    assert features == {"dcgan_encoder": 61_440, "vgg19_encoder": 303_104}[architecture]
    assert result.decoder is not None
    generators.save_decoder(result.decoder, tmp_path / "decoder.safetensors")
    start = generators.load_decoder(tmp_path / "decoder.safetensors", "resnet", 32, 16)
    generator = generators.build("resnet", 32, 16)
    assert start is not None
    generator.load_state_dict(start)
    z = torch.randn(2, 16)
    with torch.no_grad():
        assert torch.equal(generator.eval()(z), found.modules["decoder"].eval()(z))


def test_a_decoder_of_another_generator_is_refused_and_none_is_none(tmp_path: Path) -> None:
    path = tmp_path / "d.safetensors"
    generators.save_decoder(None, path)
    assert generators.load_decoder(path, "dcgan", 32, 128) is None
    state = generators.build("dcgan", 32, 128).state_dict()
    generators.save_decoder(generators.Decoder("dcgan", 32, 128, state), path)
    message = line(generators.load_decoder, path, "dcgan", 32, 100)
    assert message == f"{path}: expected a decoder of latent 100, found 128"


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"task": "clasifier"}, "x.task: unknown 'clasifier'; did you mean 'classifier'?"),
        ({"architecture": "vgg16"}, "x.architecture: expected 'vgg11_bn'"),
        ({"holdout": 0}, "x.holdout: expected greater than 0"),
        ({"steps": 3}, "x.steps: unknown key"),
    ],
)
def test_a_wrong_parameter_is_one_line(change: dict[str, Any], part: str) -> None:
    with pytest.raises(InputError) as error:
        pretraining.parse({**CLASSIFIER, **change}, "x")
    assert part in str(error.value)


def test_a_data_set_without_labels_trains_no_classifier(digits: PreparedDataset) -> None:
    bare = PreparedDataset(digits.images, digits.metadata)
    assert "expected labels to train a classifier on" in line(task, bare, CLASSIFIER)


def test_a_loss_that_is_no_number_ends_with_one_line(
    digits: PreparedDataset, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="net: expected a finite loss, found nan by step"):
        trained(digits, tmp_path, AUTOENCODER, lr=1e30)


def test_the_rate_of_a_classifier_rises_to_lr_and_falls_to_nothing(digits: PreparedDataset) -> None:
    found = task(digits, CLASSIFIER, epochs=10, lr=0.5, warmup=0.2)
    rates = [found.rate(step) for step in range(found.steps)]
    peak = int(np.argmax(rates))
    assert max(rates) == pytest.approx(0.5) and peak == pytest.approx(0.2 * found.steps, abs=2)
    assert rates[: peak + 1] == sorted(rates[: peak + 1]) and rates[-1] < 0.01
    assert rates[peak:] == sorted(rates[peak:], reverse=True)


@given(st.integers(0, 1000), st.integers(0, 4), st.booleans())
def test_an_augmented_picture_is_a_shifted_part_of_it_or_of_its_mirror_image(
    seed: int, crop: int, flip: bool
) -> None:
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    found = augment(pictures, crop, flip, rng)
    assert found.shape == pictures.shape and found.dtype == np.uint8
    for picture, part in zip(pictures, found, strict=True):
        padded = np.pad(picture, ((crop, crop), (crop, crop), (0, 0)), mode="reflect")
        windows = [
            padded[i : i + 8, j : j + 8] for i in range(2 * crop + 1) for j in range(2 * crop + 1)
        ]
        if flip:
            windows += [window[:, ::-1] for window in windows]
        assert any((window == part).all() for window in windows)


def test_half_of_the_pictures_are_mirrored_and_all_shifts_occur() -> None:
    picture = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(1, 8, 8, 3).repeat(2000, 0)
    found = augment(picture, 1, True, np.random.default_rng(0))
    kinds, counts = np.unique(found.reshape(2000, -1), axis=0, return_counts=True)
    assert len(kinds) == 18 and counts.min() > 60
    mirrored = found[:, 4, 3, 0].astype(int) > found[:, 4, 4, 0].astype(int)
    assert mirrored.mean() == pytest.approx(0.5, abs=0.05)


def test_a_laplacian_pyramid_loses_nothing_and_a_shift_of_brightness_is_coarse() -> None:
    images = torch.rand(2, 3, 32, 32, dtype=torch.float64)
    levels = pyramid(images)
    assert [level.shape[-1] for level in levels] == [32, 16, 8, 4]
    torch.testing.assert_close(rebuilt(levels), images)
    brighter = pyramid(images + 0.5)
    for before, after in zip(levels[:-1], brighter[:-1], strict=True):
        torch.testing.assert_close(after, before)
    torch.testing.assert_close(brighter[-1], levels[-1] + 0.5)
    # 4 x 4 of 32 x 32 places, at weight 4^-3.
    assert laplacian_distance(images + 0.5, images).item() == pytest.approx(0.5 / 64 / 64, rel=1e-3)
    assert laplacian_distance(images, images) == 0


def test_fine_detail_counts_more_than_coarse_in_the_laplacian_distance() -> None:
    fine = torch.zeros(1, 3, 32, 32)
    fine[..., ::2, ::2] = 1
    coarse = torch.zeros(1, 3, 32, 32)
    coarse[..., :16, :] = 0.25 * 2
    zero = torch.zeros(1, 3, 32, 32)
    assert fine.mean() == coarse.mean()
    assert laplacian_distance(fine, zero) > 5 * laplacian_distance(coarse, zero)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("size", [2, 4])
def test_a_small_convolution_in_training_is_torchs_and_so_are_its_gradients(
    size: int, bias: bool
) -> None:
    torch.manual_seed(0)
    convolution = torch.nn.Conv2d(5, 7, 3, padding=1, bias=bias)
    x = torch.randn(3, 5, size, size, requires_grad=True)
    results = []
    for function in (convolution, lambda x: convolve(convolution, x)):
        y = function(x)
        weights = [x, *convolution.parameters()]
        results.append([y, *torch.autograd.grad(y.square().sum(), weights)])
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
