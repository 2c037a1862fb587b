"""Copies of the synthetic study's scores and parameters, for comparisons of two studies."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from builders.score_files import read_record
from builders.synthetic_report import REPORT, scores_path
from builders.synthetic_study import folder_of, spaces
from ruamel.yaml import YAML

from gfmn.reporting.compared_study import read_compared

Change = Callable[[dict[str, Any]], None]


def write_params(folder: Path, **changes: Any) -> None:
    """The synthetic study's parameters; `changes` of runs by name."""
    sections = spaces()
    for run, fields in changes.items():
        sections["runs"].setdefault(run, {})
        sections["runs"][run] |= fields
    params = sections | {"extractors": {}, "evaluators": {}, "report": REPORT}
    with (folder / "params.yaml").open("w") as file:
        YAML().dump(json.loads(json.dumps(params)), file)


def copied_scores(folder: Path) -> Path:
    """The scores and the parameters of the synthetic study, in a folder."""
    shutil.copytree(folder_of(False) / "data/scores", folder / "data/scores")
    write_params(folder)
    return folder


def add(amount: float, metric: str = "fd_lite2_5k") -> Change:
    """A change of a record: more of a score in every seed."""

    def change(record: dict[str, Any]) -> None:
        for seed in record["seeds"]:
            seed["scores"][metric]["value"] += amount

    return change


def values(folder: Path, run: str, metric: str) -> list[float]:
    """A run's score in each seed."""
    record = read_record(scores_path(folder, f"{run}-lite2"))
    return [seed["scores"][metric]["value"] for seed in record["seeds"]]


def git(folder: Path, *arguments: str) -> str:
    """What git prints."""
    author = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b.c"}
    author |= {"GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b.c"}
    environment = {**os.environ, **author, "GIT_CONFIG_GLOBAL": os.devnull}
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, env=environment)
    return done.stdout.decode().strip()


def committed_study(study: Path) -> Path:
    """A repository next to a study, with it in a folder: parameters and the file of all scores."""
    repository = study.parent
    folder = repository / "studies/one"
    (folder / "reports/tables").mkdir(parents=True)
    shutil.copy(study / "params.yaml", folder)
    scores = read_compared(str(study)).scores
    scores.to_parquet(folder / "reports/tables/scores.parquet", index=False)
    git(repository, "init", "-q")
    git(repository, "add", "studies")
    git(repository, "commit", "-q", "-m", "one")
    return folder
