"""Experiments as DVC shows them: commits with every study, and what differs between them."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from builders.project import git
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
# As docs/ablations.md has it.
DROPPED = "Created|State|Executor|data|gfmn|stages|params.yaml$|reports/[hm]"


def dvc(folder: Path, *words: str) -> str:
    command = [str(Path(sys.executable).parent / "dvc"), *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def two_commits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's pipelines, parameters and results; the second commit changes one run."""
    folder = tmp_path_factory.mktemp("project")
    for study in (ROOT, *(path.parent for path in ROOT.glob("studies/*/params.yaml"))):
        there = folder / study.relative_to(ROOT)
        for name in ("dvc.yaml", "params.yaml", "dvc.lock", "reports/summary.json"):
            if (study / name).exists():
                (there / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(study / name, there / name, follow_symlinks=False)
    git(folder, "init", "-q")
    dvc(folder, "init", "-q")
    commit(folder)
    params = YAML().load((folder / "params.yaml").read_text())
    params["runs"]["taps5"]["lr"] = 0.125
    with (folder / "params.yaml").open("w") as file:
        YAML().dump(params, file)
    summary = json.loads((folder / "reports/summary.json").read_text())
    summary["taps5"]["fd_lite2_5k"] = 1.5
    (folder / "reports/summary.json").write_text(json.dumps(summary))
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "-m", "a study")


def test_dvc_reads_every_study_in_a_commit(two_commits: Path) -> None:
    shown: list[dict[str, Any]] = json.loads(dvc(two_commits, "exp", "show", "-n", "2", "--json"))
    assert [entry.get("error") for entry in shown] == [None, None, None]
    studies = {"", *(f"studies/{p.parent.name}/" for p in ROOT.glob("studies/*/params.yaml"))}
    for entry in shown:
        assert set(entry["data"]["params"]) == {f"{study}params.yaml" for study in studies}
        errors = [file.get("error") for file in entry["data"]["params"].values()]
        assert errors == [None] * len(studies)
        assert "reports/summary.json" in entry["data"]["metrics"]


def test_the_documentations_table_has_what_differs_and_nothing_else(two_commits: Path) -> None:
    words = ("exp", "show", "--only-changed", "--drop", DROPPED)
    assert (
        f"dvc {' '.join(words[:3])} --drop '{DROPPED}'" in (ROOT / "docs/ablations.md").read_text()
    )
    rows = csv.DictReader(dvc(two_commits, *words, "-n", "2", "--csv").splitlines())
    own = ("Experiment", "rev", "typ")  # columns that are DVC's, where they are not empty
    shown = [{k.rpartition(":")[2]: v for k, v in row.items() if k not in own} for row in rows]
    now = {"taps5.fd_lite2_5k": "1.5", "runs.taps5.lr": "0.125"}
    assert shown[:2] == [now, now] and shown[2].keys() == now.keys() and shown[2] != now


def test_metrics_diff_names_the_run_whose_scores_changed_alone(two_commits: Path) -> None:
    changed = json.loads(dvc(two_commits, "metrics", "diff", "HEAD~1", "--json"))
    assert list(changed) == ["reports/summary.json"]
    assert list(changed["reports/summary.json"]) == ["taps5.fd_lite2_5k"]
