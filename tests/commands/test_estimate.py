"""`gfmn estimate`: every stage to build has its seconds, which add up and follow the work."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders.commands import gfmn, refused

from gfmn.common import parameters
from gfmn.study import check, forecast, measure
from gfmn.study.estimate import Estimator
from gfmn.study.measure import Speed
from gfmn.study.scale import Costs


@pytest.fixture
def small(study: Path) -> Path:
    """With small networks, batches and counts."""
    profile = yaml.safe_load((study / "profile.yaml").read_text())
    profile["sampling"]["count"] = 64
    profile["metrics"] |= {"counts": [64], "neighbors": 64}
    profile["metrics"]["infinity"]["points"] = 2
    profile["evaluators"] = {"from_extractor": {"lite2": {"extractor": "vgg16"}}}
    profile["defaults"] |= {"generator": "dcgan", "batch": 2, "precision": "fp32"}
    for row in profile["statistics"].values():
        row |= {"batch": 4, "precision": "fp32"}
    (study / "profile.yaml").write_text(yaml.safe_dump(profile))
    return study


def test_update_of_a_run_is_predicted_by_its_constants(
    small: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = Costs(32, 0.5, 0.01, 1 << 30, 1 << 23, 4e6, 2 << 20, 4 << 20)
    monkeypatch.setattr(Estimator, "costs", lambda self, name: costs)
    capsys.readouterr()
    words = ("estimate", "fast", "--study", small, "--batch", 128, "--devices", 2)
    gfmn(*words, "--image-size", 64, "--bandwidth", 0.5, "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["constants"] == costs._asdict()
    assert found["seconds"] == costs.seconds(128, 2, 64, 5e8)
    assert found["memory_bytes"] == costs.memory(128, 2, 64)
    gfmn(*words)
    assert "batch 128 of 32 px on 2 devices: 1.14 s an update" in capsys.readouterr().out
    assert "no run 'slow'" in refused("estimate", "slow", "--study", small, "--devices", 2)


def test_every_stage_is_measured_or_said_to_be_a_download(
    small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    gfmn("estimate", "--study", small, "--json")
    found = json.loads(capsys.readouterr().out)
    seconds = {one["stage"]: one["seconds"] for one in found["stages"]}
    unknown = {stage for stage, value in seconds.items() if value is None}
    assert unknown == {
        *("fetch-extractor@vgg16", "evaluator-from-extractor@lite2"),
        *("check-params", "report"),
    }
    measured = {stage for stage, value in seconds.items() if value}
    assert measured == {
        *("prepare@images", "extract-stats@images-vgg16-eval", "train@fast", "sample@fast"),
        *("reference@images-lite2", "evaluate@fast-lite2", "start"),
    }
    assert found["seconds"] == round(sum(value for value in seconds.values() if value))
    weights = 4 * 14.7e6  # of VGG16's convolutions, as extractor and as evaluator
    assert 2 * weights < found["disk_bytes"] / 2 < 3 * weights
    assert found["memory_bytes"] > weights and found["within_factor"] >= 1.5
    assert not found["up_to_date"] and not found["guessed_counts"]
    assert 0 < found["share"] <= 1 and 0 < found["seconds_alone"] <= found["seconds"]
    study = check(parameters.read(small / "params.yaml"), "params.yaml")
    amounts = forecast.work(study, parameters.read(small / "params.yaml"))
    assert forecast.known(small, amounts)["train@fast"] == pytest.approx(seconds["train@fast"])


@pytest.fixture
def estimator(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Estimator]:
    """Of the study with changes of its run; an update takes half a second."""
    measured: list[str] = []

    def updating(config: Any, *_: Any) -> Speed:
        measured.append(config.generator)
        return Speed(4.0, 0.5, 1.0, 10**6, 3 * 10**6)

    monkeypatch.setattr(measure, "updating", updating)
    monkeypatch.setattr(Estimator, "_real", lambda *_: None)
    monkeypatch.setattr(Estimator, "_file", lambda *_: tmp_path)
    monkeypatch.chdir(small)

    def make(**runs: dict[str, Any]) -> Estimator:
        params = parameters.read(small / "params.yaml")
        params["runs"] = {name: params["runs"]["fast"] | row for name, row in runs.items()}
        params["evaluations"], params["report"] = {}, {}
        estimator = Estimator(check(params, "params.yaml"), params, "params.yaml", tmp_path)
        estimator.measured = measured  # type: ignore[attr-defined]
        return estimator

    return make


def test_training_takes_its_updates_times_its_seeds(estimator: Callable[..., Estimator]) -> None:
    found = estimator(a={"steps": 40, "seeds": [0, 1, 2], "snapshots": 4})
    (part,) = found._train("train@a", "a")
    assert part.seconds == 4 + 40 * 3 * 0.5 and part.what == "40 updates x 3 seeds of 0.5 s"
    assert found.found.disk == 3 * 5 * 10**6 and found.found.checkpoints == 3 * 3 * 10**6


def test_trainings_of_one_kind_are_measured_once(estimator: Callable[..., Estimator]) -> None:
    rows = {
        "a": {},
        "b": {"lr": 1e-5, "steps": 10},
        "c": {"batch": 4},
        "d": {"generator": "resnet"},
    }
    found = estimator(**rows)
    for name in rows:
        list(found._train(f"train@{name}", name))
    assert found.measured == ["dcgan", "dcgan", "resnet"]  # type: ignore[attr-defined]


def test_unknown_run_is_one_line(study: Path) -> None:
    message = refused("estimate", "fats", "--study", study)
    assert message == "error: RUN: no run 'fats'; did you mean 'fast'?"
