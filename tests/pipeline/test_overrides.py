"""The overrides of docs/ablations.md and params.yaml, typed literally: all are accepted."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from builders.project import ROOT, commit, done, git, parameters, project
from ruamel.yaml import YAML

from gfmn.common.runs import run_row
from gfmn.study import check

PAGES = (ROOT / "docs/ablations.md", ROOT / "params.yaml")
COMMANDS = list(
    dict.fromkeys(
        command
        for page in PAGES
        for command in re.findall(
            r"^(?:#   )?dvc exp run (.*?)(?:\s{2,}.*)?$", page.read_text(), re.M
        )
    )
)
QUEUE = "refs/exps/celery/stash"  # where DVC keeps what waits in its queue


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default study in a repository of its own; nothing has run."""
    folder = project(tmp_path_factory.mktemp("readme") / "project", parameters())
    commit(folder, "the default study")
    return folder


def queued(folder: Path, words: str) -> dict[str, Any]:
    """The parameters of the last experiment that a command puts in the queue."""
    done(folder, "exp", "run", "--queue", *shlex.split(words.removeprefix("--queue ")))
    params: dict[str, Any] = YAML(typ="safe").load(git(folder, "show", f"{QUEUE}:params.yaml"))
    return params


def test_documentation_has_the_three_forms_of_an_override() -> None:
    overrides = {re.sub(r"[\w.]+=.*", "", word) for c in COMMANDS for word in shlex.split(c)}
    assert {"-S", "++", ""} <= overrides
    assert any("-S defaults." in command for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_command_changes_what_it_says_and_is_accepted(folder: Path, command: str) -> None:
    params = queued(folder, command)
    check(params, "params.yaml")
    for word in re.findall(r"(?<=-S )\S+|(?<=-S ')[^']+", command):
        path, _, value = word.strip("'").removeprefix("++").partition("=")
        section, *keys = path.split(".")
        found: Any = params[section]
        if section == "runs":
            found = run_row(params, keys.pop(0), "params.yaml")[0]
        for key in keys:
            found = found[key]
        # The last of a sweep's values.
        choices = [value] if value.startswith("[") and "],[" not in value else value.split(",")
        assert found == YAML(typ="safe").load(choices[-1])
