"""A project of its own in a test's folder, and git and DVC as a user calls them there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]


def parameters(study: str = ".") -> dict[str, Any]:
    """The parameters of one of the project's studies, as DVC reads them."""
    params: dict[str, Any] = YAML(typ="safe").load((ROOT / study / "params.yaml").read_text())
    return params


def write_parameters(folder: Path, params: dict[str, Any]) -> None:
    with (folder / "params.yaml").open("w") as file:
        YAML().dump(params, file)


def project(folder: Path, params: dict[str, Any], ignored: str = "") -> Path:
    """A git repository with DVC, this project's code and a study of its own; nothing committed.

    `ignored`: one more line of its .gitignore.
    """
    for name in ("gfmn", "stages"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "dvc.yaml", folder)
    (folder / ".gitignore").write_text(f"/data/\n/reports/index.html\n__pycache__/\n{ignored}\n")
    write_parameters(folder, params)
    git(folder, "init", "-q")
    done(folder, "init", "-q")
    shutil.copy(ROOT / ".dvcignore", folder)
    return folder


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "-m", message)


def git(folder: Path, *words: str) -> str:
    names = ("-c", "user.name=Team", "-c", "user.email=team@example.org")
    command = ["git", *names, *words]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return finished.stdout


def dvc(folder: Path, *words: str) -> tuple[int, str]:
    """Exit code and output of a `dvc` command in the environment of the tests."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DVC_NO_ANALYTICS": "true",
    }
    command = [sys.executable, "-m", "dvc", *words]
    finished = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return finished.returncode, finished.stdout + finished.stderr


def done(folder: Path, *words: str) -> str:
    """The output of a `dvc` command that must succeed."""
    code, output = dvc(folder, *words)
    assert code == 0, output
    return output


def ran(output: str) -> set[str]:
    """The stages that a `dvc` command ran."""
    return set(re.findall(r"Running stage '([^']+)'", output))
