"""The stage train-baseline: its files, and that a stopped training ends in the same bytes."""

import hashlib
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import sample_baseline
import train_baseline
from builders import baselines
from ruamel.yaml import YAML

from gfmn import generators
from gfmn.baselines.trainer import BaselineTrainer
from gfmn.common.errors import Stopped
from gfmn.study import check


def study(folder: Path, **changes: Any) -> None:
    folder.mkdir()
    os.chdir(folder)
    baselines.images()
    row = {**baselines.ROW, "method": "wgan_gp", "conditional": True, **changes}
    params = {"baselines": {"x": row}, "sampling": {"count": 8}}
    with Path("params.yaml").open("w") as file:
        YAML().dump(params, file)


def digests() -> dict[str, str]:
    found = [*Path("data/models/x").rglob("*.*"), *Path("reports/history/x").rglob("*.*")]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(found)}


def stop_after(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    step = BaselineTrainer.step

    def stopped(trainer: BaselineTrainer, at: int) -> None:
        step(trainer, at)
        if at + 1 == number:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(BaselineTrainer, "step", stopped)


def test_stopped_baseline_ends_in_the_same_bytes_and_is_a_generator_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(train_baseline, "keep_freed_memory", lambda: None)
    monkeypatch.setattr(sample_baseline.sample, "keep_freed_memory", lambda: None)
    study(tmp_path / "whole")
    train_baseline.main("x")
    whole = digests()
    study(tmp_path / "stopped")
    with monkeypatch.context() as patch:
        stop_after(3, patch)
        with pytest.raises(Stopped, match="train x: stopped by SIGTERM after step 3 of 4"):
            train_baseline.main("x")
    train_baseline.main("x")
    assert digests() == whole
    assert json.loads(Path("data/timings/train-x.json").read_text())["from_step"] == 3

    sample_baseline.sample.main("x")
    config = json.loads(Path("data/models/x/seed-0/config.json").read_text())
    assert config["class_names"] == ["a", "b", "c"]
    assert config["parameters"]["seed"] == 0 and "seeds" not in config["parameters"]
    generators.load(Path("data/models/x/seed-0"))
    history = Path("reports/history/x/seed-0.tsv").read_text().splitlines()
    assert history[0].split() == ["step", "images", "lr", "loss", "critic", "diversity"]
    assert [line.split()[0] for line in history[1:]] == ["2", "4"]


def test_check_of_a_study_covers_baselines(tmp_path: Path) -> None:
    row = {**baselines.ROW, "dataset": "photos", "method": "wgan_gp", "seeds": [3]}
    photos = {"source": "photos", "image_size": 32, "count": 100, "smallest": 0.2, "seed": 0}
    params = {"root": ".", "datasets": {"photos": photos}, "baselines": {"x": row}}
    found = check(params, "params.yaml").dependencies()
    assert found["baselines/x"]["critic_steps"] == 5  # the method's own
    assert found["report"]["runs"]["x"]["seeds"] == [3]
    assert found["sampling/x"]["count"] == 5000
