"""DVC done right: declared dependencies, and what reruns after which change."""

import copy
import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import check_params
import pytest
import torch
from builders.git_dvc import ROOT, dvc, ran
from builders.published_weights import published_lite
from code_deps import code_deps
from ruamel.yaml import YAML

from gfmn.generators.sampling import SampleConfig
from gfmn.training.config import SeedsConfig

STAGES: dict[str, Any] = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())["stages"]


def body(stage: str) -> dict[str, Any]:
    definition: dict[str, Any] = STAGES[stage]
    return definition.get("do", definition)


@pytest.mark.parametrize("stage", STAGES)
def test_declared_code_dependencies_are_the_scripts_real_imports(stage: str) -> None:
    declared = [d.removeprefix("${root}/") for d in body(stage)["deps"] if d.startswith("${root}")]
    script = f"stages/{stage.replace('-', '_')}.py"
    assert body(stage)["cmd"].startswith(f"python ${{root}}/{script}")
    assert sorted(declared) == code_deps(script)


def test_training_depends_on_exactly_the_fields_that_it_reads() -> None:
    prefix = "runs.${key}."
    declared = {name.removeprefix(prefix) for name in body("train")["params"]}
    assert declared == set(SeedsConfig.model_fields)
    assert body("sample")["params"] == [f"{prefix}sample", f"{prefix}seeds"]
    assert "sample" not in declared and SampleConfig.model_fields


def test_the_folders_that_the_report_reads_are_there_before_anything_has_run() -> None:
    read = {d for d in body("report")["deps"] if d.startswith(("data/", "reports/"))}
    made = {f"data/{name}" for name in check_params.DATA}
    made |= {f"reports/{name}" for name in check_params.REPORTS}
    assert read == made | {"data/params.checked"}


def test_every_stage_waits_for_the_parameters_to_be_checked() -> None:
    others = [stage for stage in STAGES if stage != "check-params"]
    assert all("data/params.checked" in body(stage)["deps"] for stage in others)


def published_lite2(path: Path) -> str:
    """Random EfficientNet-Lite2 weights in the published layout; returns the file's sha256."""
    torch.save(published_lite("efficientnet_lite2"), path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def study(folder: Path) -> dict[str, Any]:
    """A study on digits: an encoder and a classifier trained here, runs of three steps.

    The run `d` takes the batch's batch norm, starts from the encoder's decoder, has two seeds and
    is scored by the classifier too.
    """
    params: dict[str, Any] = YAML(typ="safe").load((ROOT / "params.yaml").read_text())
    digest = published_lite2(folder / "lite2.pth")
    source = {
        **params["evaluators"]["fetched"]["lite2"]["source"],
        "path": "lite2.pth",
        "sha256": digest,
    }
    encoder = {**params["extractors"]["trained"]["encoder"], "dataset": "digits", "steps": 3}
    encoder["latent"] = 100
    classifier = {"task": "classifier", "architecture": "vgg11_bn", "dataset": "digits"}
    classifier |= {"epochs": 1, "batch": 32, "holdout": 0.2}
    short = {"dataset": "digits", "steps": 3, "batch": 8, "log_every": 1, "grid_every": 2}
    row = {
        **params["runs"]["encoder"],
        **short,
        "sample": {"count": 64, "seed": 0, "batchnorm": "running"},
    }
    others = {"extractor": "classifier", "batchnorm": "batch", "decoder": "encoder", "taps": -3}
    others |= {"seeds": [0, 7]}
    lite2 = {**params["evaluators"]["fetched"]["lite2"], "source": source}
    few = {"infinity": {"points": 2}}
    halves = {"dataset": "digits", "held_out": "digits"}
    return {
        "root": os.path.relpath(ROOT, folder),
        "datasets": {"digits": {"source": "digits", "image_size": 32, "count": 200}},
        "extractors": {
            "fetched": {},
            "trained": {"encoder": encoder, "classifier": classifier},
            "bundled": {},
        },
        "evaluators": {
            "fetched": {"lite2": lite2},
            "borrowed": {"own": {"extractor": "classifier"}},
        },
        "statistics": {
            "digits-encoder-eval": {"dataset": "digits", "extractor": "encoder"},
            "digits-classifier-batch": {
                **{"dataset": "digits", "extractor": "classifier"},
                **{"batchnorm": "batch", "batch": 8},
            },
        },
        "references": {
            "digits-lite2": {**halves, "evaluator": "lite2"},
            "digits-own": {**halves, "evaluator": "own"},
        },
        "runs": {
            "a": row,
            "b": copy.deepcopy({**row, "objective": "running"}),
            "d": copy.deepcopy({**row, **others}),
        },
        "metrics": {"kernel": {"subsets": 3, "size": 50}, "nearest": 20, **few},
        "evaluations": {
            **{f"{run}-lite2": evaluation(run, "lite2") for run in "abd"},
            "d-own": evaluation("d", "own"),
        },
        "report": {
            "title": "Digits",
            "headline": "a",
            "tables": {"t": {"title": "T", "rows": {"a": {}, "b": {}, "d": {}}}},
        },
    }


def evaluation(run: str, evaluator: str) -> dict[str, str]:
    return {"run": run, "dataset": "digits", "evaluator": evaluator}


def test_what_reruns_after_which_change(tmp_path: Path) -> None:
    params = study(tmp_path)

    def write() -> None:
        with (tmp_path / "params.yaml").open("w") as file:
            YAML().dump(params, file)

    write()
    (tmp_path / "dvc.yaml").symlink_to(ROOT / "dvc.yaml")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / ".gitignore").write_text("/data/\n/reports/index.html\n*.pth\n")
    assert dvc(tmp_path, "init", "-q")[0] == 0

    code, output = dvc(tmp_path, "repro")
    assert code == 0, output
    runs = {f"{stage}@{run}" for stage in ("train", "sample") for run in "abd"}
    runs |= {f"evaluate@{name}" for name in params["evaluations"]}
    assert runs <= ran(output) and (tmp_path / "reports/index.html").stat().st_size > 10_000
    about = json.loads((tmp_path / "data/models/d/seed-7/config.json").read_text())
    assert about["parameters"]["seed"] == 7
    assert about["statistics"]["batchnorm"] == "batch" and len(about["taps"]) == 3
    accuracy = json.loads((tmp_path / "reports/metrics/extractor-classifier.json").read_text())
    assert accuracy["held_out"] == 40 and accuracy["trained_on"] == 160

    code, output = dvc(tmp_path, "repro")
    assert code == 0 and ran(output) == set()

    # A changed way to sample one run, and a new run, rerun nothing of the others.
    model = tmp_path / "data/models/a/seed-0/generator.safetensors"
    before = model.read_bytes()
    params["runs"]["b"]["sample"]["seed"] = 5
    params["runs"]["c"] = copy.deepcopy({**params["runs"]["a"], "lr": 5e-3})
    params["evaluations"]["c-lite2"] = evaluation("c", "lite2")
    params["report"]["tables"]["t"]["rows"]["c"] = {}
    write()
    code, output = dvc(tmp_path, "repro")
    new = {"train@c", "sample@c", "evaluate@c-lite2"}
    again = {"sample@b", "evaluate@b-lite2"}
    assert code == 0 and ran(output) == {"check-params", "report"} | new | again
    assert model.read_bytes() == before

    # Another way to score would rerun the scores alone.
    params["metrics"]["nearest"] = 10
    write()
    code, output = dvc(tmp_path, "repro", "--dry")
    scored = {f"evaluate@{name}" for name in params["evaluations"]}
    scored |= {f"reference@{name}" for name in params["references"]}
    assert code == 0 and ran(output) == {"check-params"} | scored
    record = json.loads((tmp_path / "data/scores/d-own.json").read_text())
    assert [entry["seed"] for entry in record["seeds"]] == [0, 7] and record["in_domain"]
    flat = json.loads((tmp_path / "reports/metrics/d-own.json").read_text())
    values = [entry["scores"]["fd_own_64"]["value"] for entry in record["seeds"]]
    assert flat["fd_own_64"] == pytest.approx(sum(values) / 2, rel=1e-4)

    # A bad value stops the pipeline before any training, and what was computed is kept.
    params["runs"]["a"]["taps"] = 99
    write()
    code, output = dvc(tmp_path, "repro")
    assert code != 0 and "runs.a.taps: expected 1 to 5 taps" in output
    assert ran(output) == {"check-params"}
    assert model.read_bytes() == before
