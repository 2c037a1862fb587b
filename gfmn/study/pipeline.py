"""The pipeline of a study that lies anywhere: dvc.yaml with the installed `gfmn` as its code."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import yaml

from gfmn.common import parameters
from gfmn.common.scripts import PACKAGE, scripts

CODE = "gfmn.version"  # the file that stands for the code, which stages depend on
SOURCES = (".py", ".yaml", ".jinja", ".html", ".css", ".js")  # files that are code
HEADER = "# Made by `gfmn new` and kept up to date by `gfmn run`: nothing here is yours to edit.\n"


def code_version() -> str:
    """One line that changes with the installed version and with any of its code."""
    digest = hashlib.sha256()
    for folder in (PACKAGE, scripts()):
        for path in sorted(path for path in folder.rglob("*") if path.suffix in SOURCES):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{metadata.version('gfmn')} {digest.hexdigest()[:16]}\n"


def pipeline() -> str:
    """The text of dvc.yaml for a study whose settings are in profile.yaml and params.yaml."""
    template = yaml.safe_load(resources.files("gfmn.study").joinpath("pipeline.yaml").read_text())
    for name, entry in template["stages"].items():
        _use_installed(name, entry.get("do", entry))
    template["vars"].insert(0, parameters.PROFILE)
    return HEADER + yaml.safe_dump(template, sort_keys=False, width=100)


def _use_installed(name: str, entry: dict[str, Any]) -> None:
    """Replace the repository's scripts and code in a stage's dependencies by their version.

    Parameters are read from two files; what check-params writes out stands for both.
    """
    rows = [f"data/parameters/{path.replace('.', '/')}.json" for path in entry.pop("params", [])]
    kept = [path for path in entry["deps"] if not path.startswith("${root}")]
    if name == "check-params":
        rows = [parameters.PROFILE]
    entry["deps"] = [*kept, *rows, CODE]


def write_pipeline(folder: Path) -> None:
    """Write dvc.yaml and the file of the code's version where they are not as they should be."""
    for name, text in (("dvc.yaml", pipeline()), (CODE, code_version())):
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def init_dvc(folder: Path) -> None:
    """Make the folder a repository of DVC's, unless it lies in one: in git's where there is one."""
    parents = (folder.resolve(), *folder.resolve().parents)
    if any((parent / ".dvc").is_dir() for parent in parents):
        return
    in_git = any((parent / ".git").exists() for parent in parents)
    words = ["init", "--quiet", "--subdir" if in_git else "--no-scm"]
    dvc(words, folder, check=True)
    dvc(["config", "--quiet", "core.analytics", "false"], folder, check=True)


def dvc(words: Sequence[str], folder: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the DVC of this environment in a folder, where a stage finds this `gfmn`."""
    command = [sys.executable, "-m", "dvc", *words]
    return subprocess.run(command, cwd=folder, env=environment(), text=True, **options)


def environment() -> dict[str, str]:
    """With this Python's commands first."""
    commands = Path(sys.executable).parent
    return {**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ.get('PATH', '')}"}
