"""Scores as metrics of torchmetrics; as a script, this file is one of several processes."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders.embeddings import Convolution, Pixels, two_sets
from builders.extractor_files import encoder_file, line
from builders.ranks import run_ranks

import gfmn
from gfmn.common.images import bytes_to_unit
from gfmn.inference import real_statistics
from gfmn.metrics.frechet import frechet_distance
from gfmn.metrics.gaussian import Gaussian
from gfmn.metrics.kernel import kernel_distance
from gfmn.metrics.precision_recall import precision_recall
from gfmn.runtime.distributed import world

pytest.importorskip("torchmetrics")
REAL, GENERATED = two_sets(120)
SIDES = ((REAL, True), (GENERATED, False))
Scores = dict[str, float]


def features(images: np.ndarray) -> torch.Tensor:
    return Pixels()(bytes_to_unit(images))


def filled(metric: Any, batch: int = 120, rows: slice = slice(None)) -> Any:
    """The metric with both sets of images, in batches."""
    for images, real in SIDES:
        for start in range(0, len(images[rows]), batch):
            metric.update(images[rows][start : start + batch], real=real)
    return metric


def metrics() -> list[Any]:
    return [
        gfmn.FrechetDistance(Pixels()),
        gfmn.KernelDistance(Pixels(), subsets=10, size=50),
        gfmn.PrecisionRecall(Pixels()),
    ]


def values(of: list[Any]) -> Scores:
    distance, kernel, pair = (metric.compute() for metric in of)
    mean, std = kernel
    return {"fd": float(distance), "kd": float(mean), "std": float(std)} | {
        name: float(value) for name, value in pair.items()
    }


@pytest.fixture(scope="module")
def expected() -> Scores:
    """By gfmn's own functions, of the features as arrays."""
    real, generated = (features(images).numpy() for images in (REAL, GENERATED))
    mean, std = kernel_distance(generated, real, 10, 50, 2020)
    precision, recall = precision_recall(real, generated, 3)
    distance = frechet_distance(Gaussian.fit(real), Gaussian.fit(generated))
    return {"fd": distance, "kd": mean, "std": std, "precision": precision, "recall": recall}


@pytest.mark.parametrize("batch", [7, 120])
def test_batches_of_any_size_give_the_scores_of_gfmns_own_functions(
    batch: int, expected: Scores
) -> None:
    found = values([filled(metric, batch) for metric in metrics()])
    assert found == pytest.approx(expected, rel=1e-9) and expected["fd"] > 0.1


def test_module_in_torchmetrics_own_distance_gives_the_same() -> None:
    from torchmetrics.image.fid import FrechetInceptionDistance

    module = Convolution().eval()
    theirs = FrechetInceptionDistance(module, normalize=True, input_img_size=(3, 32, 32))
    ours = filled(gfmn.FrechetDistance(module), 50)
    for images, real in SIDES:
        theirs.update(bytes_to_unit(images), real=real)
    assert float(ours.compute()) == pytest.approx(float(theirs.compute()), rel=1e-5)


def test_distance_in_an_evaluators_space_is_that_of_score(tmp_path: Path) -> None:
    evaluator = encoder_file(tmp_path)
    np.save(tmp_path / "real.npy", REAL)
    scores = gfmn.score(GENERATED, gfmn.images(tmp_path / "real.npy"), evaluator)
    found = float(filled(gfmn.FrechetDistance(evaluator), 50).compute())
    assert found == pytest.approx(scores["fd_enc_120"], rel=1e-5)


def test_real_images_of_a_file_are_those_of_update(tmp_path: Path, expected: Scores) -> None:
    path = tmp_path / "real.npz"
    filled(gfmn.FrechetDistance(Pixels())).save_real(path)
    metric = gfmn.FrechetDistance(Pixels(), real=path)
    for _ in range(2):
        metric.update(GENERATED)
        assert float(metric.compute()) == pytest.approx(expected["fd"], rel=1e-9)
        metric.reset()
    assert "found 48" in line(lambda: gfmn.FrechetDistance(Convolution(), real=path))
    assert "real: expected False" in line(lambda: metric.update(REAL, real=True))


@pytest.mark.parametrize("index", range(3))
def test_reset_keeps_the_real_images_where_it_is_told_to(index: int, expected: Scores) -> None:
    kinds = (gfmn.FrechetDistance, gfmn.KernelDistance, gfmn.PrecisionRecall)
    metric = filled(kinds[index](Pixels(), reset_real_features=False))
    before = metric.compute()
    metric.reset()
    metric.update(GENERATED)
    assert metric.compute() == before
    forgetful = filled(kinds[index](Pixels()))
    forgetful.reset()
    forgetful.update(GENERATED)
    assert line(forgetful.compute) == "real: expected 2 or more images, found 0"


def test_arrays_and_tensors_are_the_same_images() -> None:
    unit = bytes_to_unit(REAL)
    whole = torch.from_numpy(REAL).permute(0, 3, 1, 2)
    means = []
    for images in (REAL, unit, whole):
        metric = gfmn.FrechetDistance(Pixels())
        metric.update(images, real=True)
        means.append(metric.gaussian("real").mean)
    assert torch.equal(means[0], means[1]) and torch.equal(means[0], means[2])


def test_module_is_copied_and_stays_in_eval_mode() -> None:
    module = Convolution().train()
    metric = gfmn.FrechetDistance(module).train()
    assert module.training and not metric.network.training
    assert not any(weight.requires_grad for weight in metric.parameters())
    first, second = (filled(metric).compute(), filled(metric).compute())
    assert float(first) == pytest.approx(float(second), rel=0.05)  # no dropout


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gfmn.FrechetDistance("lite3"), "space: no 'lite3'; did you mean 'lite"),
        (lambda: gfmn.FrechetDistance(torch.nn.Conv2d(3, 4, 3)), "1 x D features, found 1 x 4 x"),
        (
            lambda: gfmn.FrechetDistance(torch.nn.Linear(5, 4)),
            "space: takes no images of 32 px: mat1 and mat2 shapes",
        ),
        (
            lambda: gfmn.FrechetDistance(Pixels()).update(REAL.astype(np.float32)),
            "images: expected an array of N x H x W x 3 uint8 or a tensor of N x 3 x H x W, uint8 "
            "or in [0, 1], found ndarray of 120 x 32 x 32 x 3 float32",
        ),
        (
            lambda: gfmn.FrechetDistance(Pixels()).update(torch.full((2, 3, 32, 32), -1.0)),
            "images: expected floats in [0, 1], found -1 to -1",
        ),
        (lambda: filled(metrics()[2], rows=slice(1)).compute(), "real: expected 2 or more images"),
    ],
)
def test_unfit_spaces_and_images_are_one_line(call: Any, message: str) -> None:
    assert message in line(call)


def worker(folder: Path) -> None:
    """Half of the images on each rank; the real ones of a file on both."""
    with world() as here:
        part = slice(here.shard(120).start, here.shard(120).stop)
        found = values([filled(metric, 50, part) for metric in metrics()])
        given = gfmn.FrechetDistance(Pixels(), real=folder / "real.npz")
        given.update(GENERATED[part])
        found["given"] = float(given.compute())
        torch.save(found, folder / f"{here.rank}.pt")


def test_two_processes_score_the_images_of_both(tmp_path: Path, expected: Scores) -> None:
    real_statistics.save(tmp_path / "real.npz", Gaussian.fit(features(REAL)))
    for found in run_ranks(2, __file__, tmp_path):
        assert found.pop("given") == pytest.approx(expected["fd"], rel=1e-9)
        assert found == pytest.approx(expected, rel=1e-9)


if __name__ == "__main__":
    worker(Path(sys.argv[1]))
