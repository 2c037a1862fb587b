"""dvc.yaml: what each stage declares, and that it is what the stage uses."""

from typing import Any

import check_params
import pytest
from builders.imports import imported_files
from builders.project import ROOT
from ruamel.yaml import YAML

TEXT = (ROOT / "dvc.yaml").read_text()
STAGES: dict[str, Any] = YAML(typ="safe").load(TEXT)["stages"]
OTHERS = [stage for stage in STAGES if stage != "check-params"]


def body(stage: str) -> dict[str, Any]:
    definition: dict[str, Any] = STAGES[stage]
    return definition.get("do", definition)


def script(stage: str) -> str:
    return f"stages/{stage.replace('-', '_')}.py"


@pytest.mark.parametrize("stage", STAGES)
def test_stage_declares_exactly_the_folders_it_imports(stage: str) -> None:
    declared = {d.removeprefix("${root}/") for d in body(stage)["deps"] if d.startswith("${root}")}
    files = {path.relative_to(ROOT) for path in imported_files(ROOT / script(stage), ROOT)}
    # The version, and two lines that make `import gfmn` mean the folder that is declared.
    files = {f for f in files if str(f) not in ("gfmn/__init__.py", "stages/checkout.py")}
    if stage == "check-params":
        assert declared == {"gfmn", script(stage)}
    else:
        folders = {f"gfmn/{path.parts[1]}" for path in files if path.parts[0] == "gfmn"}
        assert declared == folders | {str(path) for path in files if path.parts[0] == "stages"}


@pytest.mark.parametrize("stage", STAGES)
def test_stage_command_has_its_name_from_the_environment(stage: str) -> None:
    name = ' "$DVC_STAGE"' if "foreach" in STAGES[stage] else ""
    assert body(stage)["cmd"] == f"gfmn stage {stage}{name}"


@pytest.mark.parametrize("stage", OTHERS)
def test_stage_waits_for_checked_parameters(stage: str) -> None:
    assert "data/params.checked" in body(stage)["deps"]


def test_report_reads_folders_that_are_there_before_anything_has_run() -> None:
    read = {d for d in body("report")["deps"] if d.startswith(("data/", "reports/"))}
    assert read == {*check_params.FOLDERS, "data/params.checked", "data/parameters"}


def test_studies_copies_are_equal() -> None:
    copies = [path.parent / "dvc.yaml" for path in ROOT.glob("studies/*/params.yaml")]
    assert len(copies) >= 2 and {path.read_text() for path in copies} == {TEXT}


def test_dvc_yaml_fits_one_reading_with_a_comment_a_stage() -> None:
    lines = TEXT.splitlines()
    assert len(lines) <= 190
    for stage in STAGES:
        (line,) = (line for line in lines if line.startswith(f"  {stage}:"))
        assert "#" in line
