"""The pipeline from images to the page, and what reruns after which change."""

import copy
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from builders.project import done, dvc, parameters, project, ran, write_parameters
from builders.published_weights import published_lite

SECRETS = {
    **dict.fromkeys(("USER", "LOGNAME", "GIT_AUTHOR_NAME"), "mallory-planted"),
    **{"AWS_SECRET_ACCESS_KEY": "aws-planted", "HF_TOKEN": "hf_planted"},
}
SNAPSHOTS = "a-lite2"  # what they are scored as


def published_lite2(path: Path) -> str:
    """Random EfficientNet-Lite2 weights in the published layout; returns the file's sha256."""
    torch.save(published_lite("efficientnet_lite2"), path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def study(folder: Path) -> dict[str, Any]:
    """A study on digits: an encoder and a classifier trained here, runs of three steps.

    The run `a` has three snapshots, which are scored. The run `d` takes the batch's batch norm,
    starts from the encoder's decoder, adds objectives of pooled features, has two seeds and is
    scored by the classifier. Sections that it does not use are absent.
    """
    params = parameters()
    lite2 = params["evaluators"]["fetched"]["lite2"]
    lite2["source"] |= {"path": "lite2.pth", "sha256": published_lite2(folder / "lite2.pth")}
    encoder = params["extractors"]["trained"]["encoder"]
    encoder |= {"dataset": "digits", "steps": 3, "latent": 100}
    classifier = {"task": "classifier", "architecture": "vgg11_bn", "dataset": "digits"}
    classifier |= {"epochs": 1, "batch": 32, "holdout": 0.2}
    halves = {"dataset": "digits", "held_out": "digits"}
    ama = {"rate": 0.1, "normalize": "none"}
    defaults = {"lr": 1e-3, "lr_hold_fraction": 0.5, "ama": ama, "steps": 3, "batch": 8}
    defaults |= {"log_every": 1, "grid_every": 2}
    return {
        "root": ".",
        "datasets": {"digits": {"source": "digits", "image_size": 32, "count": 200}},
        "extractors": {"trained": {"encoder": encoder, "classifier": classifier}},
        "evaluators": {
            "fetched": {"lite2": lite2},
            "from_extractor": {"own": {"extractor": "classifier"}},
        },
        "statistics": {
            "digits-encoder-eval": {
                **{"dataset": "digits", "extractor": "encoder", "landmarks": {"landmarks": 20}},
                **{"class_weight": 1.0, "copies": {"count": 2}},
            },
            "digits-classifier-batch": {
                **{"dataset": "digits", "extractor": "classifier"},
                **{"batchnorm": "batch", "batch": 8},
                **{"covariance": {"directions": 8}, "bank": {"count": 50}},
            },
        },
        "references": {
            "digits-lite2": {**halves, "evaluator": "lite2"},
            "digits-own": {**halves, "evaluator": "own"},
        },
        "defaults": defaults,
        "runs": {
            "a": {
                **row("encoder", "eval", "none"),
                **{"snapshots": 3, "added": {"mmd": 0.5}, "conditional": True},
            },
            "d": {
                **row("classifier", "batch", "encoder"),
                **{"objective": "moment_matching", "taps": -3, "seeds": [0, 7], "lr": 2e-3},
                **{"added": {"covariance": 2.0, "drifting": 0.5}},
            },
        },
        "sampling": {"count": 64},
        "metrics": {
            **{"kernel": {"subsets": 3, "size": 50}, "neighbors": 20},
            "infinity": {"points": 2},
        },
        "evaluations": {
            "a-lite2": evaluation("a", "lite2"),
            "d-own": evaluation("d", "own"),
        },
        "snapshots": {SNAPSHOTS: {**evaluation("a", "lite2"), "count": 64}},
        "report": {
            "title": "Digits",
            "headline": "a",
            "tables": {"t": {"title": "T", "rows": {"a": {}, "d": {}}}},
        },
    }


def row(extractor: str, batchnorm: str, decoder: str) -> dict[str, Any]:
    return {
        **{"dataset": "digits", "extractor": extractor},
        **{"batchnorm": batchnorm, "decoder": decoder},
    }


def evaluation(run: str, evaluator: str) -> dict[str, str]:
    return {"run": run, "dataset": "digits", "evaluator": evaluator}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A study after its first `dvc repro`."""
    folder = tmp_path_factory.mktemp("study")
    params = study(folder)
    project(folder, params, ignored="*.pth")
    with pytest.MonkeyPatch.context() as environment:
        for name, value in SECRETS.items():
            environment.setenv(name, value)
        output = done(folder, "repro")
    runs = {f"{stage}@{run}" for stage in ("train", "sample") for run in "ad"}
    runs |= {f"evaluate@{name}" for name in params["evaluations"]}
    runs |= {f"evaluate-snapshots@{SNAPSHOTS}"}
    assert runs <= ran(output)
    assert ran(done(folder, "repro")) == set()
    return folder, params


@pytest.fixture
def planned(finished: tuple[Path, dict[str, Any]]) -> Any:
    """Says which stages have to run once a function has changed the study's parameters."""
    folder, params = finished

    def stages(change: Callable[[dict[str, Any]], None]) -> set[str]:
        other = copy.deepcopy(params)
        change(other)
        write_parameters(folder, other)
        done(folder, "repro", "check-params")
        stages = ran(done(folder, "repro", "--dry"))
        write_parameters(folder, params)
        done(folder, "repro", "check-params")
        return stages

    return stages


def test_repro_leaves_what_the_stages_promise(finished: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = finished
    assert (folder / "reports/index.html").stat().st_size > 10_000
    about = json.loads((folder / "data/models/d/seed-7/config.json").read_text())
    assert about["parameters"]["seed"] == 7
    assert about["statistics"]["batchnorm"] == "batch" and len(about["taps"]) == 3
    accuracy = json.loads((folder / "reports/metrics/extractor-classifier.json").read_text())
    assert accuracy["held_out"] == 40 and accuracy["trained_on"] == 160
    metrics = json.loads((folder / f"reports/metrics/snapshots-{SNAPSHOTS}.json").read_text())
    assert metrics["snapshots"] == 3
    assert (folder / f"reports/figures/loss-distance-{SNAPSHOTS}.png").exists()


def test_no_output_has_a_secret_a_user_or_the_machines_paths(
    finished: tuple[Path, dict[str, Any]],
) -> None:
    folder, _ = finished
    planted = [word.encode() for word in (*SECRETS.values(), str(folder), str(Path.home()))]
    files = [folder / "dvc.lock", *(folder / "data").rglob("*"), *(folder / "reports").rglob("*")]
    files = [path for path in files if path.is_file() and "scratch" not in path.parts]
    kinds = {path.suffix for path in files}
    assert {".safetensors", ".json", ".parquet", ".tsv", ".html", ".lock", ".md"} <= kinds
    for path in files:
        content = path.read_bytes()
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            content = str((table.schema.metadata, table.to_pydict())).encode()
        assert not [word for word in planted if word in content], path


def test_repro_of_log_every_and_unused_objectives_trains_nothing(planned: Any) -> None:
    def unused(params: dict[str, Any]) -> None:
        params["defaults"]["log_every"] = 2
        params["defaults"]["ma"] = {"rate": 0.5}
        params["runs"]["d"]["ama"] = {"beta1": 0.5}

    assert planned(unused) == set()


def test_repro_of_a_default_trains_the_runs_that_inherit_it(planned: Any) -> None:
    def lower(params: dict[str, Any]) -> None:
        params["defaults"]["lr"] = 2e-3  # which run d has of its own

    assert {s for s in planned(lower) if s.startswith("train")} == {"train@a"}


def test_repro_of_metrics_scores_again_and_trains_nothing(
    planned: Any, finished: tuple[Path, dict[str, Any]]
) -> None:
    def fewer(params: dict[str, Any]) -> None:
        params["metrics"]["neighbors"] = 10

    _, params = finished
    scored = {f"evaluate@{name}" for name in params["evaluations"]}
    scored |= {f"reference@{name}" for name in params["references"]}
    assert scored <= planned(fewer) <= scored | {"report"}


def test_repro_of_a_new_run_trains_that_run_alone(finished: tuple[Path, dict[str, Any]]) -> None:
    folder, params = finished
    model = folder / "data/models/a/seed-0/generator.safetensors"
    before = model.read_bytes()
    params["runs"]["c"] = {**params["runs"]["a"], "lr": 5e-3}
    write_parameters(folder, params)
    trained = ran(done(folder, "repro", *(f"train@{run}" for run in "acd")))
    assert trained == {"check-params", "train@c"}
    assert model.read_bytes() == before


def test_repro_of_a_bad_value_stops_before_any_training(
    finished: tuple[Path, dict[str, Any]],
) -> None:
    folder, params = finished
    model = folder / "data/models/a/seed-0/generator.safetensors"
    before = model.read_bytes()
    params["runs"]["a"]["taps"] = 99
    write_parameters(folder, params)
    code, output = dvc(folder, "repro")
    assert code != 0 and "runs.a.taps: expected 1 to 5 taps" in output
    assert ran(output) == {"check-params"} and model.read_bytes() == before
