"""The recipe for SkyPilot: its parser reads it, and its commands make and push an experiment."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from builders.project import ROOT, git
from builders.sweeps import repository, results

from gfmn import cli

RECIPE = ROOT / "examples/sweep.sky.yaml"
PARSE = """
import sys, sky
task = sky.Task.from_yaml(sys.argv[1])
(resources,) = task.resources
print(resources.use_spot, *task.envs, *task.storage_mounts)
"""


def test_command_of_the_recipe_is_one_of_ours() -> None:
    script = yaml.safe_load(RECIPE.read_text())["run"]
    (words,) = [shlex.split(line)[1:] for line in script.splitlines() if line.startswith("gfmn ")]
    assert cli.parse(words[0], words[1:]).runs == ["$RUN"]


def test_skypilot_reads_the_recipe() -> None:
    sky = shutil.which("sky")
    if sky is None:
        pytest.skip("no sky here: pip install skypilot, in an environment of its own on PATH")
    python = Path(sky).read_text().splitlines()[0].removeprefix("#!")  # of that environment
    command = [python, "-c", PARSE, str(RECIPE)]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.stdout.split() == ["True", "RUN", "LR", "SEED", "/scratch"], finished.stderr


@pytest.mark.slow
def test_commands_of_the_recipe_push_the_experiment_and_its_files(tmp_path: Path) -> None:
    origin, remote, scratch = tmp_path / "origin", tmp_path / "remote", tmp_path / "scratch"
    repository(origin, remote)
    git(tmp_path, "clone", "-q", str(origin), "machine")
    activate = tmp_path / "home/gfmn/bin/activate"
    activate.parent.mkdir(parents=True)
    activate.write_text(f'PATH="{Path(sys.executable).parent}:$PATH"\n')
    environment = {**os.environ, "HOME": str(tmp_path / "home"), "DVC_NO_ANALYTICS": "true"}
    environment |= {"RUN": "a", "LR": "1e-4", "SEED": "3", "GIT_TOKEN": "", "PYTHONSAFEPATH": "1"}
    script = yaml.safe_load(RECIPE.read_text())["run"].replace("/scratch", str(scratch))
    command = ["bash", "-euc", script]
    finished = subprocess.run(
        command, cwd=tmp_path / "machine", env=environment, capture_output=True, text=True
    )
    assert finished.returncode == 0, finished.stderr
    digest = results(origin, "a-lr=0.0001-seeds=3")["data/models/a"]
    assert (remote / "files/md5" / digest[:2] / digest[2:]).is_file()
    assert (scratch / "steps").read_text().startswith("0.0001 3 0\n")
