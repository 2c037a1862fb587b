"""Batch norm of frozen networks: on running statistics or on the batch's, alike on both sides."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from builders.extractor_files import line, record
from builders.networks import images, lively, random_adapter, relative_error
from torch import nn

from gfmn.common.images import bytes_to_unit
from gfmn.common.progress import Progress
from gfmn.features import statistics
from gfmn.features.extractor import load_extractor
from gfmn.features.statistics import Batches, StatisticsConfig
from gfmn.networks import build
from gfmn.networks.extractor_file import save_extractor
from gfmn.runtime.distributed import World
from gfmn.runtime.synced_batchnorm import synchronize

SILENT = Progress("test", 1, "images", silent=True)


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    path = tmp_path / "enc.safetensors"
    save_extractor(path, [record("enc")])
    return path


@pytest.mark.parametrize(
    "architecture", ["vgg11_bn", "resnet18", "efficientnet_lite0", "dcgan_encoder"]
)
def test_in_batch_mode_taps_are_those_of_the_network_in_training_mode(architecture: str) -> None:
    network = lively(build(architecture))
    x = images(32, count=6)
    expected = copy.deepcopy(network).train()(x)
    frozen = copy.deepcopy(network)
    frozen.freeze("batch")
    for _ in range(2):  # nothing drifts from one pass to the next
        for tap, reference in zip(frozen(x), expected, strict=True):
            assert relative_error(tap, reference) < 1e-5
    network.freeze("eval")
    assert relative_error(network(x)[-1], expected[-1]) > 0.01


def test_in_batch_mode_an_adapter_takes_the_batchs_statistics() -> None:
    network = random_adapter("timm:test_resnet")
    x = images(64, count=4)
    trained = copy.deepcopy(network)
    for module in trained.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.train()
    expected = trained(x)
    network.freeze("batch")
    assert not network.training
    for tap, reference in zip(network(x), expected, strict=True):
        assert relative_error(tap, reference) < 1e-5


def test_in_bf16_batch_norms_stay_in_float32(encoder: Path) -> None:
    exact = load_extractor(encoder, 32, precision="fp32", batchnorm="batch")
    rounded = load_extractor(encoder, 32, precision="bf16", batchnorm="batch")
    norms = [m for m in rounded.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms and all(norm.weight.dtype == torch.float32 for norm in norms)
    x = images(32, count=8)
    for tap, expected in zip(rounded(x), exact(x), strict=True):
        assert tap.dtype == torch.bfloat16
        assert relative_error(tap.float(), expected) < 0.05


def test_in_batch_mode_gradients_are_autograds_of_a_network_in_training_mode(
    encoder: Path,
) -> None:
    frozen = load_extractor(encoder, 32, precision="fp32", batchnorm="batch")
    network = build("dcgan_encoder").train().requires_grad_(False)
    network.load_state_dict(record("enc").state)
    x = images(32, count=4).requires_grad_()
    torch.manual_seed(0)
    pairs = [
        (torch.randn(n := torch.Size(tap.shape).numel()), torch.zeros(n)) for tap in frozen.taps
    ]
    loss = torch.zeros(())
    for tap, (offset, _) in zip(network(x), pairs, strict=True):
        loss = loss + (tap.permute(0, 2, 3, 1).reshape(len(tap), -1) * offset).sum()
    (expected,) = torch.autograd.grad(loss, x)
    frozen.backward(frozen(x), pairs)
    assert x.grad is not None and relative_error(x.grad, expected) < 1e-4


def test_real_statistics_in_batch_mode_are_those_of_shuffled_batches(encoder: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (30, 32, 32, 3), dtype=np.uint8)
    frozen = load_extractor(encoder, 32, precision="fp32", batchnorm="batch")
    mean, variance = statistics.extract(pictures, frozen, 8, SILENT, shuffle=True)
    batches = Batches(pictures, 8, shuffle=True)
    with torch.no_grad():
        parts = [frozen(bytes_to_unit(batches[i])) for i in range(len(batches))]
    for i, tap in enumerate(frozen.taps):
        values = torch.cat([part[i] for part in parts]).double()
        torch.testing.assert_close(mean[tap.name], values.mean(0).float(), rtol=1e-4, atol=1e-5)
        expected = values.var(0).float()
        torch.testing.assert_close(variance[tap.name], expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("count", [2, 7, 16, 33])
def test_batches_have_every_image_once_and_nearly_equal_sizes(count: int) -> None:
    numbers = np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1).repeat(3, 3)
    for shuffle in (False, True):
        batches = Batches(numbers, 8, shuffle)
        parts = [batches[i][:, 0, 0, 0] for i in range(len(batches))]
        assert sorted(np.concatenate(parts)) == list(range(count))
        sizes = [len(part) for part in parts]
        assert max(sizes) <= 8 and max(sizes) - min(sizes) <= 1
        assert not shuffle or count < 16 or list(np.concatenate(parts)) != list(range(count))


def test_statistics_of_the_other_mode_are_refused(encoder: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)
    frozen = load_extractor(encoder, 32, precision="fp32", batchnorm="eval")
    config = StatisticsConfig(dataset="d", extractor="enc", batchnorm="eval")
    meta = {"digest": "x", "count": 10, "image_size": 32}
    about = statistics.describe(config, meta, frozen)
    real = statistics.Statistics(about, *statistics.extract(pictures, frozen, 8, SILENT))
    path = Path("data/stats/d-enc-eval.safetensors")
    statistics.verify(real, path, frozen, "d")
    other = load_extractor(encoder, 32, precision="fp32", batchnorm="batch")
    message = line(statistics.verify, real, path, other, "d")
    assert message == f"{path}: expected batchnorm 'batch', found 'eval'"


def test_one_image_a_batch_is_refused_in_batch_mode() -> None:
    row = {"dataset": "d", "extractor": "e", "batchnorm": "batch", "batch": 1}
    assert "expected a batch of at least 2" in line(StatisticsConfig.parse, row, "x")


def test_a_batch_norm_that_does_more_is_not_replaced_by_a_synced_one() -> None:
    network = random_adapter("timm:test_efficientnet")  # normalises and activates in one module
    message = line(synchronize, network, World(rank=0, size=2))
    assert "BatchNormAct2d" in message and "expected 1" in message
