"""A generator whose samples are all alike is named in its description and where the log ends."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import loop
from builders.seeds_study import Study, studies
from builders.training import config

from gfmn.training.loop import Run
from gfmn.training.trainer import Trainer

ALIKE = "all samples are alike, they differ by 0 of 255 gray levels"


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Study]:
    return studies(tmp_path, monkeypatch)


def make_constant(trainer: Trainer) -> None:
    """Whatever the noise, the images are gray."""
    for weight in trainer.weights:
        weight.data.zero_()


def description(run: Run) -> dict[str, object]:
    found: dict[str, object] = json.loads((run.files.model / "config.json").read_text())
    return found


def test_run_whose_samples_are_all_alike_says_so(tmp_path: Path) -> None:
    run = loop.start(tmp_path, config(steps=1, lr=1e-9))
    make_constant(run.trainer)
    run.train()
    assert run.warning.startswith(f"train x: WARNING: {ALIKE}; more steps")
    assert run.warning.endswith("or `added: {covariance: 2.0}` may help")
    assert description(run)["collapsed"] == ALIKE


def test_run_whose_samples_differ_says_nothing(tmp_path: Path) -> None:
    run = loop.start(tmp_path, config(steps=1))
    for weight in run.trainer.weights:
        weight.data.mul_(20)
    run.train()
    assert run.warning == "" and "collapsed" not in description(run)


def test_stage_ends_with_the_warnings_of_its_seeds(
    study: Callable[[str], Study],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    step = Trainer.step

    def constant(trainer: Trainer, number: int) -> None:
        step(trainer, number)
        for value in trainer.result.state_dict().values():
            value.zero_()

    monkeypatch.setattr(Trainer, "step", constant)
    study("study").train([3, 7], steps=1)
    *_, first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"train x seed 3: WARNING: {ALIKE}")
    assert second.startswith(f"train x seed 7: WARNING: {ALIKE}")
