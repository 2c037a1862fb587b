"""The code that runs lies next to the stages, in every place where DVC runs them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from builders import project as projects
from builders.project import commit, done, git

DIGITS = {"source": "digits", "image_size": 32, "count": 20}
STAGE = "prepare@digits"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of its own with this one's code; the environment has this one installed."""
    folder = tmp_path_factory.mktemp("checkouts") / "project"
    projects.project(folder, {"root": ".", "datasets": {"digits": DIGITS}})
    commit(folder, "a state")
    return folder


def edit(folder: Path, text: str) -> None:
    """Have every later run of the stage print a line."""
    with (folder / "gfmn/sources/__init__.py").open("a") as file:
        file.write(f'\nprint("code of {text}")\n')


def test_workspace_and_second_clone_run_their_own_edit(project: Path) -> None:
    clone = project.parent / "clone"
    git(project.parent, "clone", "-q", str(project), "clone")
    for folder in (project, clone):
        edit(folder, folder.name)
        output = done(folder, "repro", STAGE)
        assert set(re.findall("code of .*", output)) == {f"code of {folder.name}"}
    commit(project, "an edit")


def test_git_worktree_runs_its_own_edit(project: Path) -> None:
    git(project, "worktree", "add", "-q", "../worktree")
    edit(project.parent / "worktree", "worktree")
    output = done(project.parent / "worktree", "repro", STAGE)
    assert "code of worktree\n" in output


def test_temporary_experiment_runs_the_edit_it_was_started_with(project: Path) -> None:
    edit(project, "temporary")
    words = ("exp", "run", "--temp", "-S", "datasets.digits.count=21", STAGE)
    assert "code of temporary\n" in done(project, *words)


def test_queued_experiment_runs_the_code_that_was_queued(project: Path) -> None:
    edit(project, "queued")
    done(project, "exp", "run", "--queue", "-n", "e", "-S", "datasets.digits.count=22", STAGE)
    edit(project, "later")
    done(project, "exp", "run", "--run-all")
    output = done(project, "queue", "logs", "e")
    assert "code of queued\n" in output and "code of later" not in output


def refused(folder: Path, *words: str) -> str:
    """The one line that a stage's script ends with, run in a folder that has a copy of it."""
    shutil.copytree(projects.ROOT / "stages", folder / "stages")
    command = [sys.executable, *words, "stages/train.py", "x"]
    finished = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert finished.returncode == 1 and finished.stdout == ""
    (line,) = finished.stderr.splitlines()
    return line


def test_stages_without_their_code_are_a_one_line_error(tmp_path: Path) -> None:
    assert f"{tmp_path}/gfmn: expected the code of the stages, found " in refused(tmp_path)


def test_python_without_the_packages_is_a_one_line_error(tmp_path: Path) -> None:
    (tmp_path / "gfmn").symlink_to(projects.ROOT / "gfmn")
    # As a Python outside of the environment: without its packages.
    assert "expected a Python with the project's packages" in refused(tmp_path, "-S", "-E")


def test_no_stage_lets_a_shell_run_a_name_or_a_root(tmp_path: Path) -> None:
    names = ("evil;touch pwned;true", "x';touch pwned;'", '";`touch pwned`;$(touch pwned)')
    folder = projects.project(tmp_path, {"root": ".", "datasets": dict.fromkeys(names, DIGITS)})
    (folder / "data").mkdir()
    (folder / "data/params.checked").touch()
    for name in names:
        code, output = projects.dvc(folder, "repro", "--single-item", f"prepare@{name}")
        assert code and "expected a name of a-z, 0-9, _ and -" in output
    (folder / "data/parameters").mkdir()
    for root in (".;touch pwned;$(touch pwned)", "';touch pwned;'\";touch pwned;\""):
        projects.write_parameters(folder, {"root": root, "datasets": {"digits": DIGITS}})
        (folder / root / "stages").mkdir(parents=True)
        for copied in ("gfmn", "stages/prepare.py", "stages/checkout.py"):
            (folder / root / copied).symlink_to(projects.ROOT / copied)
        code, output = projects.dvc(folder, "repro", "--single-item", STAGE)
        assert code and "root: expected one of ., .., ../.., installed" in output
    assert not [*folder.rglob("pwned")]
