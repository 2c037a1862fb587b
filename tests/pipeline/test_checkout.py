"""The code that runs lies beside the stages, in every place where DVC runs them."""

import re
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
