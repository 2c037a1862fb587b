"""`gfmn check`: one line for a study's parameters, right or wrong."""

import subprocess
import sys
from pathlib import Path

import pytest
from builders.commands import gfmn, refused
from builders.project import ROOT, parameters


def test_right_parameters_are_ok(capsys: pytest.CaptureFixture[str]) -> None:
    gfmn("check", "--study", ROOT)
    assert (
        capsys.readouterr().out == f"{ROOT / 'params.yaml'}: ok, {len(parameters()['runs'])} runs\n"
    )


def test_study_of_the_current_folder_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text((ROOT / "params.yaml").read_text() + "\nrun: {}\n")
    expected = "error: params.yaml: run: unknown key; did you mean 'runs'?"
    assert refused("check") == expected


def test_file_that_cannot_be_read_fails_without_torch(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text("runs: [")
    code = "import sys; from gfmn.cli import main\ntry: main(['check', '--study', sys.argv[1]])\n"
    code += "finally: assert 'torch' not in sys.modules, 'torch'"
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {tmp_path / 'params.yaml'}: expected YAML, found ")
    assert done.stderr.count("\n") == 1
    absent = f"{tmp_path / 'none/params.yaml'}: expected a study's parameters, found no file"
    assert refused("check", "--study", tmp_path / "none") == f"error: {absent}"
