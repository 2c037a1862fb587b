"""The stage `check-params`: one line for what is wrong, and a file of parameters for each run."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import check_params
import pytest
from builders.project import ROOT, write_parameters
from ruamel.yaml import YAML

PARAMS: dict[str, Any] = YAML(typ="safe").load((ROOT / "tests/builders/study.yaml").read_text())


def started(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "stages/check_params.py")]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_check_params_ends_with_one_line_and_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("root: .\nruns: {a: {lr: fast}}\n")
    done = started(tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: params.yaml: runs.a.dataset: required in every run's row")
    (tmp_path / "params.yaml").write_text("runs: {a: [}\n")
    done = started(tmp_path)
    assert done.returncode == 1 and done.stderr.startswith("error: params.yaml: expected YAML")


def test_check_params_keeps_the_order_of_runs_for_the_report_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    reordered = {**PARAMS, "runs": dict(reversed(PARAMS["runs"].items()))}
    written = []
    for params in (PARAMS, reordered):
        write_parameters(tmp_path, params)
        check_params.main()
        report = json.loads((tmp_path / "data/parameters/report.json").read_text())
        assert list(report["runs"]) == list(params["runs"])
        written.append((tmp_path / "data/parameters/runs/vgg16.json").read_bytes())
    assert written[0] == written[1]


def test_check_params_forgets_runs_that_are_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_parameters(tmp_path, PARAMS)
    check_params.main()
    written = {path.stem for path in (tmp_path / "data/parameters/runs").glob("*.json")}
    assert written == set(PARAMS["runs"])
    write_parameters(tmp_path, {"root": "."})
    check_params.main()
    assert not (tmp_path / "data/parameters/runs").exists()
