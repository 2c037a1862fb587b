"""Precision of the networks: the error of bf16, and how the faster precision is found."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from builders.convolutions import packs
from builders.extractor_files import combined_file, encoder_file, line
from builders.networks import images, randomized, relative_error
from torch import nn
from torch.nn import functional as F

from gfmn.common.devices import Work, has_bf16, measured_precision
from gfmn.features.extractor import Extractor, faster_precision, load_extractor
from gfmn.features.moments import Layout, batch_moments
from gfmn.networks import build
from gfmn.networks.conv_relu import ConvReLU
from gfmn.networks.extractor_file import load_network, read_header
from gfmn.networks.rows import rows

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return combined_file(encoder_file(tmp_path_factory.mktemp("files")))


@packs
@pytest.mark.parametrize(
    ("name", "by_mean", "by_deviation"),
    [("vgg19_bn", 0.007, 0.018), ("resnet18", 0.007, 0.011)],  # twice what was measured
)
def test_moments_in_bf16_are_near_fp32(name: str, by_mean: float, by_deviation: float) -> None:
    network = randomized(build(name))
    network.freeze()
    generator = torch.Generator().manual_seed(1)
    coarse, fine = (torch.rand(64, 3, size, size, generator=generator) for size in (4, 32))
    x = 0.8 * F.interpolate(coarse, size=32, mode="bilinear") + 0.2 * fine
    with torch.no_grad():
        exact = [rows(tap).double() for tap in network(x)]
        extractor = Extractor({name: network}, {name: network.tap_names}, 32, {name: "bf16"}, "")
        taps = extractor(x)
    assert all(tap.dtype == torch.bfloat16 for tap in taps)
    assert all(tap.is_contiguous(memory_format=torch.channels_last) for tap in taps)
    layout = Layout(tuple(tap.shape for tap in extractor.taps))
    shift = torch.cat([values.mean(0) for values in exact]).float()
    moments = batch_moments(taps, shift, layout)
    found = (moments.first.double() + shift, moments.variance().double().sqrt())
    expected = ([v.mean(0) for v in exact], [v.std(0, correction=0) for v in exact])
    for ours, theirs, bound in zip(found, expected, (by_mean, by_deviation), strict=True):
        for i, (place, values) in enumerate(zip(layout.slices(), theirs, strict=True)):
            error = (ours[place] - values).norm() / values.norm()
            assert error < bound, (extractor.taps[i].name, float(error))


def clocked(
    monkeypatch: pytest.MonkeyPatch, seconds: Callable[[str, int], float]
) -> Callable[[str], Work]:
    """Works that take `seconds(precision, call)` by a clock that shows nothing else."""
    now = [0.0]
    monkeypatch.setattr("gfmn.common.devices.time", SimpleNamespace(perf_counter=lambda: now[0]))
    monkeypatch.setattr("gfmn.common.devices.has_bf16", lambda device: True)

    def make(precision: str) -> Work:
        calls = iter(range(100))

        def work() -> None:
            now[0] += seconds(precision, next(calls))

        return work

    return make


@pytest.mark.parametrize(
    ("bf16", "expected"), [(0.5, "bf16"), (0.89, "bf16"), (0.95, "fp32"), (1, "fp32"), (9, "fp32")]
)
def test_measured_precision_is_bf16_only_if_clearly_faster(
    bf16: float, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = clocked(monkeypatch, lambda precision, _: bf16 if precision == "bf16" else 1)
    assert measured_precision(make, CPU) == expected


def test_measured_precision_ignores_single_slow_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow_start = clocked(monkeypatch, lambda _, call: 99 if call == 0 else 1)
    assert measured_precision(slow_start, CPU) == "fp32"
    for late in ("fp32", "bf16"):
        for precision, busy in ((p, c) for p in ("fp32", "bf16") for c in (1, 2)):

            def seconds(p: str, call: int, at=(precision, busy), late=late) -> float:
                return 50 if (p, call) == at or call == 0 else 1 + (p == late)

            faster = {"fp32": "bf16", "bf16": "fp32"}[late]
            assert measured_precision(clocked(monkeypatch, seconds), CPU) == faster


def test_measured_precision_without_bf16_measures_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gfmn.common.devices.has_bf16", lambda device: False)
    assert measured_precision(lambda precision: pytest.fail("made a work"), CPU) == "fp32"


def test_has_bf16_needs_onednn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.backends.mkldnn.is_available", lambda: False)
    monkeypatch.setattr("torch.ops.mkldnn", SimpleNamespace())
    assert has_bf16(CPU) is False


def test_faster_precision_leaves_network_unchanged(
    both: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = load_network(both, read_header(both).networks[0])
    before = {name: value.clone() for name, value in network.state_dict().items()}
    facts = [(p.dtype, p.requires_grad, p.data_ptr(), p.stride()) for p in network.parameters()]
    ran: list[str] = []

    def measure(make: Callable[[str], Work], device: torch.device) -> str:
        for precision in ("fp32", "bf16"):
            work = make(precision)
            work(), work()
            ran.append(precision)
        return "bf16"

    monkeypatch.setattr("gfmn.features.extractor.measured_precision", measure)
    assert faster_precision("enc", network, network.tap_names[:3], 32, CPU) == "bf16"
    assert ran == ["fp32", "bf16"]
    after = network.state_dict()
    assert list(after) == list(before) and all(torch.equal(after[k], before[k]) for k in before)
    assert facts == [
        (p.dtype, p.requires_grad, p.data_ptr(), p.stride()) for p in network.parameters()
    ]
    layers = [module for module in network.modules() if isinstance(module, ConvReLU)]
    assert layers and all(layer.kernels == {} for layer in layers)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())


def test_auto_measures_networks_of_unknown_precision(
    both: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[str] = []

    def measure(name: str, *_: object) -> str:
        measured.append(name)
        return "bf16" if name == "enc" else "fp32"

    monkeypatch.setattr("gfmn.features.extractor.faster_precision", measure)
    extractor = load_extractor(both, 32, 2)
    assert extractor.precision == {"enc": "bf16", "lite": "fp32"} and measured == ["enc", "lite"]
    dtypes = [tap.dtype for tap in extractor(torch.rand(2, 3, 32, 32))]
    assert dtypes == [torch.bfloat16] * 2 + [torch.float32] * 2
    known = {"enc": "fp32", "generator": "bf16"}
    assert load_extractor(both, 32, 2, known=known).precision == {"enc": "fp32", "lite": "fp32"}
    assert measured == ["enc", "lite", "lite"]
    both_known = {"enc": "fp32", "lite": "bf16"}
    assert load_extractor(both, 32, 2, known=both_known).precision == both_known
    asked = load_extractor(both, 32, 2, "fp32", known=both_known)
    assert asked.precision == {"enc": "fp32", "lite": "fp32"}
    assert measured == ["enc", "lite", "lite"]


def test_auto_uses_measured_precision(both: Path) -> None:
    assert load_extractor(both, 32, ["enc.down1"]).precision["enc"] in ("fp32", "bf16")
    assert "expected one of" in line(load_extractor, both, 32, 1, "fp8")


def test_batch_norms_stay_in_float32(both: Path) -> None:
    exact = load_extractor(both, 32, 5, precision="fp32", batchnorm="batch")
    rounded = load_extractor(both, 32, 5, precision="bf16", batchnorm="batch")
    norms = [m for m in rounded.modules() if isinstance(m, nn.BatchNorm2d)]
    assert norms and all(norm.weight.dtype == torch.float32 for norm in norms)
    x = images(32, count=8)
    for tap, expected in zip(rounded(x), exact(x), strict=True):
        assert tap.dtype == torch.bfloat16
        assert relative_error(tap.float(), expected) < 0.05
