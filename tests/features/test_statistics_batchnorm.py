"""Statistics of real images with batch norm in batch mode: their batches and their metadata."""

from pathlib import Path

import numpy as np
import pytest
import torch
from builders.extractor_files import line, record

from gfmn.common.images import bytes_to_unit
from gfmn.common.progress import Progress
from gfmn.features import statistics
from gfmn.features.extractor import load_extractor
from gfmn.features.statistics import Batches, StatisticsConfig
from gfmn.networks.extractor_file import save_extractor

SILENT = Progress("test", 1, "images", silent=True)


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    path = tmp_path / "enc.safetensors"
    save_extractor(path, [record("enc")])
    return path


def test_statistics_in_batch_mode_equal_shuffled_batches(encoder: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (30, 32, 32, 3), dtype=np.uint8)
    frozen = load_extractor(encoder, 32, precision="fp32", batchnorm="batch")
    mean, variance = statistics.extract(images, frozen, 8, SILENT, shuffle=True)
    batches = Batches(images, 8, shuffle=True)
    with torch.no_grad():
        parts = [frozen(bytes_to_unit(batches[i])) for i in range(len(batches))]
    for i, tap in enumerate(frozen.taps):
        values = torch.cat([part[i] for part in parts]).double()
        torch.testing.assert_close(mean[tap.name], values.mean(0).float(), rtol=1e-4, atol=1e-5)
        expected = values.var(0).float()
        torch.testing.assert_close(variance[tap.name], expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("count", [2, 7, 16, 33])
def test_batches_have_every_image_once_and_equal_sizes(count: int) -> None:
    numbers = np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1).repeat(3, 3)
    for shuffle in (False, True):
        batches = Batches(numbers, 8, shuffle)
        parts = [batches[i][:, 0, 0, 0] for i in range(len(batches))]
        assert sorted(np.concatenate(parts)) == list(range(count))
        sizes = [len(part) for part in parts]
        assert max(sizes) <= 8 and max(sizes) - min(sizes) <= 1
        assert not shuffle or count < 16 or list(np.concatenate(parts)) != list(range(count))


def test_statistics_of_other_batchnorm_mode_are_refused(encoder: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)
    frozen = load_extractor(encoder, 32, precision="fp32", batchnorm="eval")
    config = StatisticsConfig(dataset="d", extractor="enc", batchnorm="eval")
    meta = {"digest": "x", "count": 10, "image_size": 32}
    about = statistics.describe(config, meta, frozen)
    real = statistics.Statistics(about, *statistics.extract(images, frozen, 8, SILENT))
    path = Path("data/stats/d-enc-eval.safetensors")
    statistics.verify(real, path, frozen, "d")
    other = load_extractor(encoder, 32, precision="fp32", batchnorm="batch")
    message = line(statistics.verify, real, path, other, "d")
    assert message == f"{path}: expected batchnorm 'batch', found 'eval'"


def test_batch_of_one_image_is_refused_in_batch_mode() -> None:
    row = {"dataset": "d", "extractor": "e", "batchnorm": "batch", "batch": 1}
    assert "expected a batch of at least 2" in line(StatisticsConfig.parse, row, "x")
