"""The model of an update's costs: its limits, and constants that are measured."""

import math
from pathlib import Path

import pytest
from builders.training import config
from hypothesis import given
from hypothesis import strategies as st

from gfmn import generators
from gfmn.features.statistics import StatisticsConfig
from gfmn.networks import describe
from gfmn.study import measure, scale
from gfmn.study.measure import Data
from gfmn.study.networks import Network
from gfmn.study.scale import Costs

COSTS = Costs(32, 0.5, 0.01, 10**9, 10**7, 4e6, 2 * 10**6, 3 * 10**6)


def test_one_device_has_what_the_constants_say() -> None:
    assert COSTS.seconds(64) == pytest.approx(0.5 + 0.64)
    assert COSTS.memory(64) == 10**9 + 10**7 + 64 * 4e6
    assert COSTS.seconds(64, size=64) == pytest.approx(4 * COSTS.seconds(64))


def test_devices_divide_the_images_and_send_a_ring() -> None:
    assert COSTS.seconds(64, 4) == pytest.approx(0.5 + 0.16)
    assert COSTS.memory(64, 4) == 10**9 + 10**7 + 16 * 4e6
    sent = COSTS.seconds(64, 4, bandwidth=1e6) - COSTS.seconds(64, 4)
    assert sent == pytest.approx(2 * 3 / 4 * 5)
    larger = COSTS.seconds(64, 4, 64, 1e6) - COSTS.seconds(64, 4, 64)
    assert larger == pytest.approx(2 * 3 / 4 * (4 * 2 + 3))  # the gradient does not grow


@given(st.integers(1, 10_000), st.integers(1, 64), st.sampled_from([16, 32, 64, 128]))
def test_more_devices_never_take_longer_where_sending_is_free(
    batch: int, devices: int, size: int
) -> None:
    assert COSTS.seconds(batch, devices + 1, size) < COSTS.seconds(batch, devices, size)
    limit = COSTS.seconds(batch, 10**9, size)
    assert limit == pytest.approx(0.5 * (size / 32) ** 2, rel=1e-3)
    assert math.isfinite(COSTS.memory(batch, devices, size))


def test_constants_are_those_of_a_run_on_this_machine(tmp_path: Path) -> None:
    facts = {"image_size": 32, "latent": 8}
    network = Network("dcgan_encoder", describe("dcgan_encoder", **facts), arguments=facts)
    path = measure.write_networks(tmp_path / "e.safetensors", {"e": network})
    row = {"dataset": "d", "extractor": "e", "precision": "fp32"}
    asked = StatisticsConfig.parse(row, "row")
    real = measure.extracting(asked, path, Data(64, 32, 0))[1]
    found = scale.fit(config(objective="moment_matching"), path, 32, real)
    features = sum(mean.numel() for mean in real.mean.values())
    assert found.size == 32 and found.image > 0 and found.held > 1e8
    assert found.moments == 8 * features  # first and second, float32
    assert found.features >= 8 * features  # the real mean and variance, and averages
    weights = generators.build("dcgan", 32, 8).parameters()
    assert found.gradient == 4 * sum(weight.numel() for weight in weights)
