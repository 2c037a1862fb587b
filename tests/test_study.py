"""The whole study's parameters: what is wrong is one line, before anything long runs."""

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from builders.study_params import PARAMS, ROOT
from ruamel.yaml import YAML

from gfmn.common import stage
from gfmn.common.errors import InputError
from gfmn.study import RunConfig, check


def changed(path: str, value: Any) -> dict[str, Any]:
    params = copy.deepcopy(PARAMS)
    *groups, key = path.split(".")
    inner = params
    for group in groups:
        inner = inner[group]
    inner[key] = value
    return params


def test_the_default_study_is_right() -> None:
    check(PARAMS, "params.yaml")


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("run", {}, "params.yaml: run: unknown key; did you mean 'runs'?"),
        (
            "runs.vgg16.learning_rate",
            1,
            "params.yaml: runs.vgg16.learning_rate: unknown key; known: ",
        ),
        ("runs.vgg16.step", 3, "params.yaml: runs.vgg16.step: unknown key; did you mean 'steps'?"),
        ("runs.vgg16.ama.rat", 1, "runs.vgg16.ama.rat: unknown key; did you mean 'rate'?"),
        ("runs.vgg16.lr", "1e-4x", "runs.vgg16.lr: expected a valid number, found '1e-4x'"),
        ("runs.vgg16.steps", 2.5, "runs.vgg16.steps: expected a valid integer"),
        ("runs.vgg16.lr", True, "runs.vgg16.lr: expected a valid number, found True"),
        ("runs.vgg16.objective", "amma", "runs.vgg16.objective: expected 'ama', 'ma', "),
        ("runs.vgg16.seed", 0, "runs.vgg16.seed: unknown key; did you mean 'seeds'?"),
        ("runs.vgg16.seeds", [], "runs.vgg16.seeds: "),
        ("runs.vgg16.seeds", [1, 1], "runs.vgg16.seeds: expected"),
        ("runs.vgg16.taps", 14, "runs.vgg16.taps: expected 1 to 13 taps"),
        ("runs.vgg16.taps", ["conv6_1"], "runs.vgg16.taps: no 'conv6_1' among the 13 taps"),
        ("runs.vgg16.extractor", "vgg19", "runs.vgg16.extractor: no 'vgg19'; did you mean 'vgg16'"),
        ("runs.vgg16.dataset", "photo", "runs.vgg16.dataset: no 'photo'; did you mean 'photos'?"),
        ("runs.Big", {}, "params.yaml: runs: expected a name of a-z, 0-9, _ and -, found 'Big'"),
        ("runs.vgg16.extractor", "lite0", "runs.vgg16: statistics: no 'photos-lite0-eval'"),
        (
            "statistics.digits-encoder-eval",
            {"dataset": "digits", "extractor": "encoder"},
            "extractor 'encoder' on data set 'digits': expected images of 32 px, found 64 px",
        ),
        ("datasets.photos.count", 0, "datasets.photos.count: expected greater than or equal to 1"),
        ("extractors.fetched.vgg16.source.sha256", "abc", "sha256: "),
        (
            "extractors.bundled.vgg16_lite0.second",
            "vgg16",
            "extractors.bundled.vgg16_lite0: expected each network once",
        ),
        (
            "report.tables.table2.rows.vgg16",
            {"papr": 3},
            "rows.vgg16.papr: unknown key; did you mean 'paper'?",
        ),
        ("evaluators.fetch", {}, "evaluators: fetch: unknown key; did you mean 'fetched'?"),
        (
            "evaluators.fetched.lite2.classes",
            10,
            "lite2.classes: expected none, since 'efficientnet_lite2' is not",
        ),
        (
            "evaluators.fetched.lite2.architecture",
            "dcgan_encoder",
            "evaluators.fetched.lite2.architecture: no published weights for 'dcgan_encoder'",
        ),
        (
            "evaluators.borrowed.own",
            {"extractor": "vgg16_lite0"},
            "evaluators.borrowed.own.extractor: expected one network, found vgg16, lite0",
        ),
        (
            "evaluators.borrowed.lite2",
            {"extractor": "vgg16"},
            "evaluators.borrowed.lite2: expected a name of its own, found 'lite2'",
        ),
        (
            "references.photos-lite2.held_out",
            "digits",
            "references.photos-lite2.held_out: expected images of 32 px, found 'digits' of 64 px",
        ),
        ("references.photos-lite2.held", "x", "held: unknown key; did you mean 'held_out'?"),
        ("metrics.counts", [], "params.yaml: metrics.counts: "),
        ("metrics.kernel.sise", 5, "metrics.kernel.sise: unknown key; did you mean 'size'?"),
        (
            "evaluations.vgg16-lite2.run",
            "vgg",
            "evaluations.vgg16-lite2.run: no 'vgg'; did you mean 'vgg16'?",
        ),
        (
            "evaluations.vgg16-lite2.run",
            "running",
            "evaluations.vgg16-lite2: expected the name running-lite2, found vgg16-lite2",
        ),
        (
            "evaluations.vgg16-lite2.evaluator",
            "lite3",
            "evaluations.vgg16-lite2: references: no 'photos-lite3'; did you mean 'photos-lite2'?",
        ),
        (
            "evaluations.vgg16-lite2.dataset",
            "digits",
            "dataset: expected images of 32 px, as the run's, found 'digits' of 64 px",
        ),
        ("report.headline", "best", "report.headline: no run 'best'"),
        ("report.tables.table3.rows.taps2", {}, "report.tables.table3.rows.taps2"),
        ("report.tables.table2.rows.vgg16", {"paper": 9}, "report.tables.table2.rows.vgg16"),
    ],
)
def test_a_wrong_parameter_is_one_line_that_names_it(path: str, value: Any, line: str) -> None:
    params = changed(path, value)
    params["datasets"]["digits"] = {"source": "digits", "image_size": 64}
    with pytest.raises(InputError) as error:
        check(params, "params.yaml")
    assert line in str(error.value) and "\n" not in str(error.value)


def test_a_missing_parameter_is_named() -> None:
    params = copy.deepcopy(PARAMS)
    del params["runs"]["vgg16"]["steps"]
    with pytest.raises(InputError, match=r"runs\.vgg16\.steps: required, found nothing"):
        check(params, "params.yaml")


@pytest.mark.parametrize("text", ["5e-05", "5e-5", "1.0e-4", "0.00005"])
def test_numbers_read_as_dvc_writes_them(text: str, tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(f"lr: {text}\n")
    assert stage.read_params(path)["lr"] == float(text)


def test_every_run_lists_every_field_so_that_dvc_can_set_it() -> None:
    for name, row in PARAMS["runs"].items():
        assert set(row) == set(RunConfig.model_fields), name
        for group, field in RunConfig.model_fields.items():
            fields = getattr(field.annotation, "model_fields", None)  # of a group of parameters
            assert fields is None or set(row[group]) == set(fields), f"{name}.{group}"


def test_no_mapping_is_shared_between_runs() -> None:
    text = (ROOT / "params.yaml").read_text()
    assert "&" not in text and "<<" not in text  # a shared group changes every run that shares it


OVERRIDES = {"taps": "5", "objective": "ma", "generator": "resnet", "precision": "fp32"}
OVERRIDES |= {"seeds": "[0,1,2]"}


def test_dvc_can_set_every_field_of_a_run_and_changes_nothing_else(tmp_path: Path) -> None:
    from dvc.utils.hydra import apply_overrides

    row = PARAMS["runs"]["vgg16"]
    paths = [key for key, value in row.items() if not isinstance(value, dict)]
    paths += [f"{key}.{k}" for key, group in row.items() if isinstance(group, dict) for k in group]
    for path in paths:
        if path in ("dataset", "extractor"):
            continue
        file = tmp_path / "params.yaml"
        file.write_text((ROOT / "params.yaml").read_text())
        value = OVERRIDES.get(path.rpartition(".")[2]) or {
            "ama.reduction": "mean",
            "ama.initial": "uniform",
            "ama.units": "feature",
            "sample.batchnorm": "batch",
            "batchnorm": "eval",
            "decoder": "none",
        }.get(path, "0.75" if isinstance(_at(row, path), float) else "3")
        apply_overrides(file, [f"runs.vgg16.{path}={value}"])
        found = YAML(typ="safe").load(file.read_text())
        expected = changed(f"runs.vgg16.{path}", YAML(typ="safe").load(value))
        assert found == expected, path
        check(found, "params.yaml")


def _at(row: Any, path: str) -> Any:
    for key in path.split("."):
        row = row[key]
    return row


def test_a_stage_ends_with_one_line_and_a_failing_exit_code(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("runs: {a: {lr: fast}}\n")
    command = [sys.executable, str(ROOT / "stages/check_params.py")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: params.yaml: datasets: expected a mapping")
    (tmp_path / "params.yaml").write_text("runs: {a: [}\n")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0 and done.stderr.startswith("error: params.yaml: expected YAML")


def test_the_parameter_file_is_written_as_dvc_writes_it(tmp_path: Path) -> None:
    """So that `dvc exp run -S` changes one line of it, and not the layout of all."""
    from dvc.utils.serialize import modify_yaml

    file = tmp_path / "params.yaml"
    file.write_text((ROOT / "params.yaml").read_text())
    with modify_yaml(file):
        pass
    assert file.read_text() == (ROOT / "params.yaml").read_text()
