"""The whole study's parameters: what is wrong is one line, before anything long runs."""

import copy
from pathlib import Path
from typing import Any

import pytest
from builders.project import ROOT, write_parameters
from ruamel.yaml import YAML

from gfmn.common.errors import InputError
from gfmn.common.runs import run_row
from gfmn.common.sections import entries
from gfmn.study import Study, check

PARAMS: dict[str, Any] = YAML(typ="safe").load((ROOT / "tests/builders/study.yaml").read_text())


def changed(path: str, value: Any) -> dict[str, Any]:
    params = copy.deepcopy(PARAMS)
    *groups, key = path.split(".")
    inner = params
    for group in groups:
        inner = inner[group]
    inner[key] = value
    return params


def checked(params: dict[str, Any]) -> Study:
    return check(params, "params.yaml")


def refusal(params: dict[str, Any]) -> str:
    with pytest.raises(InputError) as error:
        checked(params)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_check_accepts_the_default_study() -> None:
    assert set(checked(PARAMS).runs) == set(PARAMS["runs"])


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
        ("runs.encoder.ama.rat", 1, "runs.encoder.ama.rat: unknown key; did you mean 'rate'?"),
        ("runs.vgg16.lr", "1e-4x", "runs.vgg16.lr: expected a valid number, found '1e-4x'"),
        ("runs.vgg16.steps", 2.5, "runs.vgg16.steps: expected a valid integer"),
        ("runs.vgg16.lr", True, "runs.vgg16.lr: expected a valid number, found True"),
        ("runs.vgg16.objective", "amma", "runs.vgg16.objective: expected 'ama', 'covariance',"),
        (
            "runs.vgg16.added",
            {"drifting": 1.0},
            "runs.vgg16: expected statistics.photos-vgg16-eval.bank, which the objective",
        ),
        ("runs.vgg16.added", {"ama": 0}, "runs.vgg16.added.ama: expected"),
        ("runs.vgg16.seed", 0, "runs.vgg16.seed: expected the list `seeds` in its place"),
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
            "extractors.with_batchnorm.vgg16_bn.extractor",
            "encoder",
            "extractors.with_batchnorm.vgg16_bn.extractor: expected a network of vgg11, vgg13,"
            " vgg16 or vgg19, found 'dcgan_encoder'",
        ),
        (
            "extractors.with_batchnorm.vgg16_bn.dataset",
            "photo",
            "extractors.with_batchnorm.vgg16_bn.dataset: no 'photo'; did you mean 'photos'?",
        ),
        (
            "extractors.with_batchnorm.vgg16_bn.count",
            1,
            "extractors.with_batchnorm.vgg16_bn.count: expected greater than or equal to 2",
        ),
        (
            "extractors.combined.vgg16_lite0.networks",
            ["vgg16", "vgg16"],
            "extractors.combined.vgg16_lite0: expected each network once",
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
            "evaluators.from_extractor.own",
            {"extractor": "vgg16_lite0"},
            "evaluators.from_extractor.own.extractor: expected one network, found vgg16, lite0",
        ),
        (
            "evaluators.from_extractor.lite2",
            {"extractor": "vgg16"},
            "evaluators.from_extractor.lite2: expected a name of its own, found 'lite2'",
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
            "encoder",
            "evaluations.vgg16-lite2: expected the name encoder-lite2, found vgg16-lite2",
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
        ("runs.vgg16.snapshots", 201, "runs.vgg16.snapshots: expected at most 200, one a step"),
        ("root", "/", "params.yaml: root: expected one of ., .., ../.., installed, found '/'"),
        ("runs.vgg16", {"dataset": "photos"}, "runs.vgg16.extractor: required in every run's row"),
        ("runs.vgg16", None, "runs.vgg16: expected a mapping of parameters, found None"),
        ("runs", {2024: {}}, "params.yaml: runs: expected a name of a-z, 0-9, _ and -, found 2024"),
        ("defaults.steps", "many", "params.yaml: defaults.steps: expected"),
        ("defaults.learning_rate", 1, "params.yaml: defaults.learning_rate: unknown key"),
        ("defaults.decoder", "none", "defaults.decoder: expected in every run's row, found here"),
        ("defaults", [1], "params.yaml: defaults: expected a mapping of parameters, found [1]"),
        ("sampling", {"count": 1}, "params.yaml: sampling.count: expected greater than or equal"),
        ("sampling", {"counts": {"vgg": 9}}, "params.yaml: sampling.counts: no 'vgg'"),
        ("report.headline", "best", "report.headline: no run 'best'"),
        ("report.tables.table3.rows.taps2", {}, "report.tables.table3.rows.taps2"),
        ("report.tables.table2.rows.vgg16", {"paper": 9}, "report.tables.table2.rows.vgg16"),
    ],
)
def test_check_names_a_wrong_parameter_in_one_line(path: str, value: Any, line: str) -> None:
    params = changed(path, value)
    params["datasets"]["digits"] = {"source": "digits", "image_size": 64}
    assert line in refusal(params)


SECTIONS = (
    *("datasets", "extractors.fetched", "extractors.trained", "extractors.with_batchnorm"),
    *("extractors.combined", "evaluators.fetched", "evaluators.from_extractor", "statistics"),
    *("references", "runs", "evaluations", "snapshots"),
)


@pytest.mark.parametrize("section", SECTIONS)
def test_check_refuses_a_date_for_a_name_in_every_section(section: str) -> None:
    params = changed(section, {"2024-01-01": {}})
    assert f"params.yaml: {section}: expected a name that YAML reads as text" in refusal(params)


@pytest.mark.parametrize("name", ["2024", "1e5", "0x1f", "1_000", "-1", "null", "true", "---"])
def test_names_that_yaml_does_not_read_as_text_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="p: runs: expected a name that YAML reads as text"):
        [*entries({"runs": {name: {}}}, "runs", "p")]


@pytest.mark.parametrize(
    ("name", "changes", "line"),
    [
        ("vgg-lite2", {"run": "vgg"}, "vgg-lite2.run: no 'vgg'; did you mean 'vgg16'?"),
        (
            "vgg16-lite2",
            {"run": "vgg16"},
            "vgg16-lite2.run: expected a run of 3 snapshots or more, found 'vgg16' of 0",
        ),
        (
            "taps9-lite2",
            {"dataset": "digits"},
            "taps9-lite2.dataset: expected 'photos', which the run is trained on, found 'digits'",
        ),
        (
            "taps9-lite3",
            {"evaluator": "lite3"},
            "taps9-lite3: references: no 'photos-lite3'; did you mean 'photos-lite2'?",
        ),
        ("taps9", {}, "taps9: expected the name taps9-lite2, found taps9"),
        ("taps9-lite2", {"count": 1}, "taps9-lite2.count: expected greater than or equal to 2"),
        ("taps9-lite2", {"counts": 5}, "taps9-lite2.counts: unknown key; did you mean 'count'?"),
    ],
)
def test_check_names_what_is_wrong_with_a_row_of_snapshots(
    name: str, changes: dict[str, Any], line: str
) -> None:
    row = {"run": "taps9", "dataset": "photos", "evaluator": "lite2", **changes}
    params = changed("snapshots", {name: row})
    params["runs"]["taps9"]["snapshots"] = 3
    assert refusal(params).startswith(f"params.yaml: snapshots.{line}")


def test_check_hands_snapshots_to_the_run_and_the_report() -> None:
    row = {"run": "taps9", "dataset": "photos", "evaluator": "lite2"}
    params = changed("snapshots", {"taps9-lite2": row})
    params["defaults"]["snapshots"] = 8
    found = checked(params).dependencies()
    assert found["runs/taps9"]["snapshots"] == 8
    assert found["report"]["snapshots"] == {"taps9-lite2": row}
    del params["defaults"]["steps"]
    assert "runs.encoder.steps: required, found nothing" in refusal(params)


def test_check_names_a_missing_parameter() -> None:
    params = copy.deepcopy(PARAMS)
    del params["defaults"]["steps"]
    assert "runs.encoder.steps: required, found nothing" in refusal(params)


@pytest.mark.parametrize("key", ["dataset", "extractor", "batchnorm", "decoder"])
def test_check_names_a_missing_input_of_a_run(key: str) -> None:
    params = copy.deepcopy(PARAMS)
    del params["runs"]["taps5"][key]
    assert refusal(params).startswith(f"params.yaml: runs.taps5.{key}: required in every run's row")


def test_check_takes_defaults_for_sections_that_are_absent() -> None:
    study = checked({"root": "."})
    assert not study.runs and study.sampling.count == 5000 and study.metrics.splits == 10
    params = copy.deepcopy(PARAMS)
    for section in ("sampling", "metrics", "report", "evaluations", "references", "evaluators"):
        del params[section]
    assert set(checked(params).runs) == set(PARAMS["runs"])


def test_run_row_is_the_defaults_with_what_the_row_says_otherwise() -> None:
    row, path = run_row(PARAMS, "encoder", "params.yaml")
    assert path == "params.yaml: runs.encoder"
    assert row["ama"] == {**PARAMS["defaults"]["ama"], "rate": 0.1, "normalize": "none"}
    assert row["lr"] == 1e-3 and row["steps"] == PARAMS["defaults"]["steps"]
    assert PARAMS["defaults"]["ama"]["rate"] == 3e-3  # as it was


def test_dependencies_of_a_run_are_what_its_training_uses() -> None:
    before = checked(PARAMS).dependencies()
    assert {"sampling/vgg16", "metrics", "report", "runs/vgg16"} <= before.keys()
    unused = changed("defaults.moment_matching", {"decay": 0.5})
    unused["defaults"] |= {"ma": {"rate": 0.5}, "log_every": 3}
    after = checked(unused).dependencies()
    different = {name for name in before if before[name] != after[name]}
    assert different == {"runs/ma64", "runs/ma256", "runs/moment_matching", "report"}
    more = checked(changed("sampling", {**PARAMS["sampling"], "counts": {"vgg16": 7}}))
    after = more.dependencies()
    different = {name for name in before if before[name] != after[name]}
    assert different == {"sampling/vgg16", "report"} and after["sampling/vgg16"]["count"] == 7
    lower = checked(changed("defaults.lr", 1e-5)).dependencies()
    inherits = {f"runs/{name}" for name, row in PARAMS["runs"].items() if "lr" not in row}
    assert {name for name in before if before[name] != lower[name]} == inherits | {"report"}


@pytest.mark.parametrize("conditional", [True, False])
def test_classes_of_a_run_and_of_its_statistics_go_together(conditional: bool) -> None:
    params = changed("runs.vgg16.added", {"mmd": 1.0})
    row = params["statistics"]["photos-vgg16-eval"]
    row |= {"landmarks": {}, "class_weight": 0.0 if conditional else 2.0}
    params["runs"]["vgg16"]["conditional"] = conditional
    message = refusal(params)
    expected = f"expected {str(not conditional).lower()} with statistics.photos-vgg16-eval"
    weight = f"class_weight of {row['class_weight']:g}"
    assert message == f"params.yaml: runs.vgg16.conditional: {expected}.{weight}"
    row["class_weight"] = 2.0 - row["class_weight"]
    assert checked(params).runs["vgg16"].conditional == conditional


def test_no_mapping_of_the_parameter_file_is_shared() -> None:
    text = (ROOT / "params.yaml").read_text()
    assert "&" not in text and "<<" not in text and len(text.splitlines()) < 200


def test_dvc_sets_fields_of_rows_inherited_fields_and_defaults(tmp_path: Path) -> None:
    """`-S runs.x.f=v` for a field that the row has, `++` for others, `-S defaults.f=v` for all."""
    from dvc.utils.hydra import apply_overrides

    def override(word: str) -> dict[str, Any]:
        write_parameters(tmp_path, PARAMS)
        apply_overrides(tmp_path / "params.yaml", [word])
        found: dict[str, Any] = YAML(typ="safe").load((tmp_path / "params.yaml").read_text())
        checked(found)
        return found

    assert override("runs.encoder.ama.rate=0.5") == changed(
        "runs.encoder.ama", {"rate": 0.5, "normalize": "none"}
    )
    assert override("++runs.vgg16.ema=0.9") == changed("runs.vgg16.ema", 0.9)
    assert override("++runs.vgg16.ama.rate=1e-3") == changed("runs.vgg16.ama", {"rate": 1e-3})
    assert override("++runs.vgg16.weights.vgg16=2.0") == changed(
        "runs.vgg16.weights", {"vgg16": 2.0}
    )
    assert override("defaults.lr=1e-3") == changed("defaults.lr", 1e-3)
    assert override("defaults.seeds=[0,1,2]") == changed("defaults.seeds", [0, 1, 2])
