"""Every comparison of the check gives FAIL for a result that is wrong."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from builders.extractor_files import record
from builders.input_errors import line

from benchmarks.gpu_check import agreement, graphs, resume, speed, training
from benchmarks.gpu_check.check import agree, relative_error, same_bits
from benchmarks.gpu_check.inputs import image_source, write_extractor
from benchmarks.gpu_check.modes import kernels
from benchmarks.gpu_check.setting import Setting
from gfmn.common.compiling import compiler_present
from gfmn.networks.extractor_file import file_digest, read_header, save_extractor
from gfmn.training.objectives import OBJECTIVES
from gfmn.training.trainer import Trainer

EXPECTED = {"large": torch.full((4,), 1e6), "small": torch.tensor([3.0, 4.0])}


def test_relative_error_is_of_each_tensor_alone() -> None:
    found = {"large": EXPECTED["large"] + 1, "small": torch.tensor([3.0, 4.5])}
    error, name = relative_error(found, EXPECTED)
    assert (error, name) == (pytest.approx(0.5 / 5), "small")
    assert agree("x", found, EXPECTED, 0.11).status == "PASS"
    assert agree("x", found, EXPECTED, 0.09).status == "FAIL"


@pytest.mark.parametrize(
    "small",
    [
        {},
        {"other": EXPECTED["small"]},
        {"small": torch.tensor([3.0, math.nan])},
        {"small": torch.tensor([3.0, math.inf])},
        {"small": torch.tensor([[3.0, 4.0]])},
    ],
)
def test_missing_misshapen_and_infinite_numbers_fail(small: dict[str, torch.Tensor]) -> None:
    check = agree("x", {"large": EXPECTED["large"], **small}, EXPECTED, 1e9)
    assert check.status == "FAIL" and check.facts["error"] is None


def test_error_against_zeros_is_none_or_infinite() -> None:
    zeros = {"": torch.zeros(2)}
    assert relative_error(zeros, zeros)[0] == 0
    assert relative_error({"": torch.tensor([0.0, 1e-30])}, zeros)[0] == math.inf


def test_same_bits_sees_the_last_one() -> None:
    one = {"": torch.ones(3)}
    assert same_bits(one, {"": torch.ones(3)})
    assert not same_bits(one, {"": torch.ones(3) + 2**-23}) and not same_bits(one, {})


def test_kernels_are_set_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GFMN_COMPILE", "0")
    compiler_present.cache_clear()
    with kernels("eager"):
        assert not compiler_present()
    assert not compiler_present()


def test_moments_that_are_off_by_a_thousandth_fail(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = agreement.batch_moments
    extractor = setting.extractor()
    monkeypatch.setattr(
        agreement, "batch_moments", lambda *given: [1.001 * moment for moment in right(*given)]
    )
    found = list(agreement.moments(setting, extractor, "eager"))
    assert [check.status for check in found] == ["FAIL", "FAIL"]


def scaled(tensors: dict[str, torch.Tensor], factor: float) -> dict[str, torch.Tensor]:
    return {name: factor * tensor for name, tensor in tensors.items()}


def test_other_statistics_gradients_and_updates_fail(setting: Setting) -> None:
    expected = agreement.compute(setting, setting.inputs())
    passing = list(agreement.compare_with_cpu(expected, expected))
    count = 1 + 2 * len(OBJECTIVES)  # statistics; a gradient and an update each
    assert {check.status for check in passing} == {"PASS"} and len(passing) == count
    statistics, steps = expected
    key = "vgg19_bn.conv1_2, variance"
    wrong = {**statistics, key: statistics[key] * 1.01}
    other = {
        name: (scaled(gradient, 1.02), scaled(change, 0.5))
        for name, (gradient, change) in steps.items()
    }
    failing = list(agreement.compare_with_cpu((wrong, other), expected))
    assert {check.status for check in failing} == {"FAIL"} and len(failing) == count


def test_graph_that_replays_old_noise_or_an_old_rate_fails(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = setting.inputs()
    monkeypatch.setattr(graphs, "STEPS", 8)

    def trained(replay: str = "") -> graphs.Trained:
        trainer = setting.trainer(inputs, warmup=graphs.STEPS, ema=0.9)
        if replay:
            tensor, step = getattr(trainer, replay), trainer.update
            first = []

            def stale() -> None:  # as a graph that has captured a tensor of the first step
                first.append(tensor.clone())
                tensor.copy_(first[0])
                step()

            trainer._update = stale
        return graphs.take_steps(trainer, 0)

    eager = trained()
    assert graphs.compare("x", eager, eager, trained()).status == "PASS"
    for name in ("z", "lr", "ema_weight"):
        assert graphs.compare("x", eager, eager, trained(name)).status == "FAIL", name


def test_resumed_training_must_write_the_same_files_and_have_been_resumed() -> None:
    whole = {"generator": "a", "history": "b"}
    assert resume.compare(whole, whole, 7, 8).status == "PASS"
    check = resume.compare(whole, {**whole, "history": "c"}, 7, 8)
    assert check.status == "FAIL" and check.text.endswith("differ: history")
    assert resume.compare(whole, {"generator": "a"}, 7, 8).status == "FAIL"
    assert resume.compare({}, {}, 7, 8).status == "FAIL"
    assert resume.compare(whole, whole, 0, 8).status == "FAIL"


def test_rising_loss_and_weights_that_are_not_finite_fail() -> None:
    def status(*losses: float, finite: bool = True) -> str:
        return training.judge("ama", training.History([*losses], 1.0), finite, "").status

    assert status(3, 4, 2) == "PASS"
    assert status(3, *[2] * 28, 4) == "PASS" and status(3, *[2] * 27, 4, 4) == "FAIL"
    assert status(3, 2, 3) == status(3, 2, math.nan) == status(3, 2, finite=False) == "FAIL"


def test_training_ends_at_a_loss_that_is_not_finite(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = setting.trainer(setting.inputs())
    monkeypatch.setattr(Trainer, "step", lambda self, step: None)
    monkeypatch.setattr(trainer.objective.monitor, "loss", lambda: torch.tensor(math.nan))
    assert training.train(trainer, 600).steps == training.LOG


@pytest.mark.parametrize(("most", "expected"), [(0, ["FAIL"]), (2, ["PASS", "SKIP"])])
def test_memory_that_is_out_is_a_line(
    most: int, expected: list[str], setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = speed.measure

    def measure(setting, inputs, batch, what):
        if batch > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return right(setting, inputs, batch, what)

    monkeypatch.setattr(speed, "measure", measure)
    monkeypatch.setattr(speed, "has_bf16", lambda device: False)
    found = list(speed.check(setting, math.inf))
    assert [check.status for check in found] == expected
    assert "out of memory" in found[-1].text


def test_weights_are_extractor_files_and_checkpoints(tmp_path: Path) -> None:
    given, out = tmp_path / "given.safetensors", tmp_path / "out.safetensors"
    save_extractor(given, [record("own")])
    write_extractor(str(given), out)
    assert file_digest(out) == file_digest(given)
    checkpoint = tmp_path / "encoder.pth"
    torch.save({"net": dict(record("own").state)}, checkpoint)
    write_extractor(str(checkpoint), out)
    assert [entry.architecture for entry in read_header(out).networks] == ["dcgan_encoder"]
    (tmp_path / "text").write_text("no weights")
    assert str(tmp_path / "text") in line(write_extractor, str(tmp_path / "text"), out)
    assert "no.pth: expected a file of weights" in line(write_extractor, "no.pth", out)


def test_images_are_read_by_the_source_of_their_kind(tmp_path: Path) -> None:
    assert image_source(None, 5) == {"source": "photos", "count": 5}
    for name, kind in (("a.npy", "npy"), ("b.parquet", "parquet"), ("c", "folder")):
        found = image_source(str(tmp_path / name), 5)
        assert (found["source"], found["limit"]) == (kind, 5)
    (tmp_path / "hub").mkdir()
    np.save(tmp_path / "hub/a.npy", np.zeros(1))
    (tmp_path / "hub/train.parquet").touch()
    assert image_source(str(tmp_path / "hub"), 5)["source"] == "parquet"
