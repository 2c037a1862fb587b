"""Training on a tiny network: it learns, it repeats to the byte, it refuses what does not fit."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TinyNetwork
from PIL import Image

from gfmn import statistics, training
from gfmn.errors import InputError
from gfmn.noise import Purpose, noise
from gfmn.progress import Progress
from gfmn.statistics import Statistics


def config(**changes: object) -> training.TrainingConfig:
    data = {"dataset": "d", "extractor": "e", "steps": 12, "batch": 8, "latent": 8, "lr": 1e-3}
    return training.TrainingConfig.parse({**data, **changes}, "runs.x")


class Taps32(TinyNetwork):
    """The tiny network for 32 px images."""

    def __init__(self) -> None:
        super().__init__()
        sizes = {"a": (6, 32, 32), "b": (10, 16, 16), "c": (5, 8, 8)}
        self.taps = tuple(type(tap)(tap.name, sizes[tap.name]) for tap in self.taps)


def real(network: TinyNetwork, images: np.ndarray) -> Statistics:
    with Progress("test", len(images), "images", every=1e9) as progress:
        mean, variance = statistics.extract(images, network, 16, progress)
    about = {"dataset": "d", "extractor_digest": network.digest, "batchnorm": "eval"}
    return Statistics(about, mean, variance)


@pytest.fixture
def discs() -> np.ndarray:
    """Orange discs on blue, 32 px."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:32, :32]
    centre, radius = rng.uniform(10, 22, (64, 2, 1, 1)), rng.uniform(4, 9, (64, 1, 1))
    inside = (x - centre[:, 0]) ** 2 + (y - centre[:, 1]) ** 2 < radius**2
    return np.where(inside[..., None], [230, 140, 40], [30, 60, 150]).astype(np.uint8)


def test_statistics_equal_numpys_mean_and_unbiased_variance(discs: np.ndarray) -> None:
    network = Taps32()
    found = real(network, discs[:50])  # the last batch is a short one
    taps = network(torch.from_numpy(discs[:50].astype(np.float32) / 255).permute(0, 3, 1, 2))
    for tap, features in zip(network.taps, taps, strict=True):
        exact = features.double().numpy()
        np.testing.assert_allclose(found.mean[tap.name], exact.mean(0), rtol=1e-5, atol=1e-6)
        close = {"rtol": 1e-4, "atol": 1e-8}
        np.testing.assert_allclose(found.variance[tap.name], exact.var(0, ddof=1), **close)


@pytest.mark.parametrize("objective", ["ama", "ma", "l2", "running"])
def test_every_objective_narrows_the_gap_of_moments(objective: str, discs: np.ndarray) -> None:
    network = Taps32()
    rates = {"ama": {"rate": 0.1}, "ma": {"rate": 0.1}}
    settings = config(objective=objective, steps=120, batch=16, lr=3e-4, hold=0.5, **rates)
    trainer = training.Trainer(settings, network, real(network, discs), 32)
    for step in range(5):
        trainer.step(step)
    before = np.sum(trainer.objective.gaps())
    for step in range(5, 120):
        trainer.step(step)
    assert np.sum(trainer.objective.gaps()) < 0.9 * before


def test_a_run_writes_generator_config_history_and_grids(discs: np.ndarray, tmp_path) -> None:
    network = Taps32()
    settings = config(log_every=5, grid_every=10)
    arguments = (settings, "x", network, real(network, discs), 32)
    training.train(*arguments, tmp_path / "model", tmp_path / "history/x.tsv")
    rows = (tmp_path / "history/x.tsv").read_text().splitlines()
    assert rows[0] == "step\timages\tlr\tloss"
    assert [row.split("\t")[0] for row in rows[1:]] == ["5", "10", "12"]
    names = sorted(path.name for path in (tmp_path / "model/grids").iterdir())
    assert names == ["step-000010.png", "step-000012.png"]
    assert Image.open(tmp_path / "model/grids/step-000012.png").size == (256, 256)


def test_the_learning_rate_is_held_then_falls_to_0() -> None:
    settings = config(steps=100, hold=0.5, lr=1.0)
    rates = [training.learning_rate(settings, step) for step in range(100)]
    assert rates[:51] == [1.0] * 51 and rates[75] == pytest.approx(0.5)
    assert rates[99] == pytest.approx(0.02)
    assert {training.learning_rate(config(steps=9), step) for step in range(9)} == {1e-3}


def test_noise_depends_on_seed_purpose_step_and_index_alone() -> None:
    whole = noise(1, Purpose.TRAINING, 5, 64, 10)
    assert torch.equal(noise(1, Purpose.TRAINING, 5, 32, 10, start=32), whole[32:])
    others = [(2, Purpose.TRAINING, 5), (1, Purpose.GRID, 5), (1, Purpose.TRAINING, 6)]
    assert all(not torch.equal(noise(*key, 64, 10), whole) for key in others)
    many = noise(0, Purpose.TRAINING, 0, 20_000, 10)
    assert abs(float(many.mean())) < 0.01 and abs(float(many.std()) - 1) < 0.01


def test_a_loss_that_is_not_finite_stops_the_run_in_one_line(discs: np.ndarray, tmp_path) -> None:
    network = Taps32()
    statistics_ = real(network, discs)
    statistics_.mean["a"][0, 0, 0] = float("inf")
    arguments = (config(), "x", network, statistics_, 32)
    with pytest.raises(InputError, match=r"runs\.x: expected a finite loss, found"):
        training.train(*arguments, tmp_path / "model", tmp_path / "x.tsv")


def test_statistics_of_another_network_or_data_set_are_refused(
    discs: np.ndarray, tmp_path: Path
) -> None:
    network, path = Taps32(), tmp_path / "s.safetensors"
    statistics.save(real(network, discs), path)
    again = statistics.load(path)
    statistics.verify(again, path, network, "d")
    with pytest.raises(InputError, match=r"s\.safetensors: expected dataset 'other', found 'd'"):
        statistics.verify(again, path, network, "other")
    network.digest = "1" * 64
    with pytest.raises(InputError, match="expected extractor_digest '111"):
        statistics.verify(again, path, network, "d")
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match=r"s\.safetensors: expected a whole safetensors file"):
        statistics.load(path)


RUN = """
import sys
sys.path[:0] = sys.argv[1:3]
import numpy as np
from pathlib import Path
from test_training import Taps32, config, real
from gfmn import statistics, training
images = np.random.default_rng(0).integers(0, 256, (64, 32, 32, 3), dtype=np.uint8)
network = Taps32()
found = real(network, images)
statistics.save(found, Path("s.safetensors"))
training.train(config(), "x", network, found, 32, Path("model"), Path("x.tsv"))
"""


def test_outputs_are_the_same_bytes_in_two_processes(tmp_path: Path) -> None:
    digests = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        tests = Path(__file__).parent
        command = [sys.executable, "-c", RUN, str(tests), str(tests.parent)]
        environment = {**os.environ, "PYTHONHASHSEED": str(len(name))}
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        digests.append(
            {p.relative_to(folder): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
        )
    assert digests[0] == digests[1] and len(digests[0]) == 5
