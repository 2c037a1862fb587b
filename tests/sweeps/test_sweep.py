"""`gfmn sweep` on this machine: a point that is killed, one that fails, and the same by hand."""

import json
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest
from builders.commands import gfmn, refused
from builders.project import commit, done, git, write_parameters
from builders.sweeps import STEPS, repository, results, study
from builders.waiting import until

from gfmn.commands import sweep as command
from gfmn.sweeps.points import Point

WORDS = ("--set", "lr=1e-4,0.7", "--seeds", 1, "--jobs", 2)
GOOD, BAD = "a-lr=0.0001-seeds=0", "a-lr=0.7-seeds=0"


class Killer(threading.Thread):
    """Kills the job of the good point in its training, and lets the next one finish."""

    def __init__(self, study: Path) -> None:
        super().__init__()
        self.study, self.scratch, self.states = study, study / "data/scratch", dict[str, str]()
        self.scratch.mkdir(parents=True)
        (self.scratch / "slow").touch()

    def run(self) -> None:
        steps = self.scratch / "steps"
        until(steps.exists)
        (sweep,) = (self.study / "data/sweeps").iterdir()
        states = command.read(sweep, self.study).states()
        self.states = {state.point.name: state.state for state in states}
        note = sweep / f"points/{GOOD}.json"
        first = note.read_text()
        controller = psutil.Process(int(json.loads(first)["job"]))
        (job,) = controller.children()
        job.kill()
        until(lambda: note.read_text() != first)
        (self.scratch / "slow").unlink()


@pytest.fixture(scope="module")
def killer(tmp_path_factory: pytest.TempPathFactory) -> Killer:
    """A sweep that has run; one of its two points has failed."""
    root = tmp_path_factory.mktemp("sweep")
    folder = repository(root / "study", root / "remote")
    killer = Killer(folder)
    killer.start()
    error = refused("sweep", folder, *WORDS)
    killer.join()
    assert f"1 of 2 points failed, {BAD} first: the loss is not finite; see {folder}" in error
    return killer


def status(folder: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    gfmn("sweep", folder, "--status", "--json")
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_killed_point_resumes_and_no_step_is_taken_twice(killer: Killer) -> None:
    assert killer.states[GOOD] == "running"
    steps = (killer.scratch / "steps").read_text().splitlines()
    assert steps == [f"0.0001 0 {step}" for step in range(STEPS)]


def test_point_is_the_experiment_that_dvc_makes_by_hand(killer: Killer, tmp_path: Path) -> None:
    hand = repository(tmp_path / "hand", tmp_path / "none")
    words = ("-S", "runs.a.lr=0.0001", "-S", "runs.a.seeds=[0]", "evaluate@a-encoder")
    done(hand, "exp", "run", "--name", GOOD, *words)
    assert results(killer.study, GOOD) == results(hand, GOOD)
    digest = results(killer.study, GOOD)["data/models/a"]
    for kept in (killer.study / ".dvc/cache", killer.study.parent / "remote"):
        assert (kept / "files/md5" / digest[:2] / digest[2:]).is_file()
    assert "params.yaml" in git(killer.study, "diff", "--name-only", "HEAD", _ref(killer.study))
    assert git(killer.study, "status", "--porcelain") == ""


def _ref(folder: Path) -> str:
    (found,) = git(folder, "for-each-ref", "--format=%(refname)", "refs/exps").split()
    return found


def test_status_has_states_logs_and_scores(
    killer: Killer, capsys: pytest.CaptureFixture[str]
) -> None:
    found = status(killer.study, capsys)
    good, bad = found["points"]
    assert (good["state"], bad["state"]) == ("done", "failed")
    assert good["scores"] == {"fd_encoder": 0.1} and bad["scores"] is None
    assert "error: the loss is not finite" in Path(bad["log"]).read_text()
    rows = [(row["values"], row["done"], row["scores"]) for row in found["results"]]
    score = {"mean": 0.1, "deviation": None, "count": 1}
    assert rows == [({"lr": 1e-4}, 1, {"fd_encoder": score}), ({"lr": 0.7}, 0, {})]
    assert not [*(Path(found["folder"]) / "clones" / GOOD).glob("*")]
    gfmn("sweep", killer.study, "--status")
    assert "a    0.0001  1 of 1  0.1" in capsys.readouterr().out


def test_same_command_starts_what_failed_alone(
    killer: Killer, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Point] = []
    monkeypatch.setattr(command, "start", lambda sweep, repository, todo, *_: started.extend(todo))
    refused("sweep", killer.study, *WORDS)
    assert [point.name for point in started] == [BAD]


def test_nothing_starts_where_a_point_is_not_valid_or_a_change_not_committed(
    killer: Killer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(command, "start")
    folder = killer.study
    assert "params.yaml: runs.a.lr: " in refused("sweep", folder, "--set", "lr=1e-3,-1")
    assert "--run: no run 'b'; " in refused("sweep", folder, "--run", "b")
    assert "--name: expected a new one" in refused(
        "sweep", folder, "--set", "lr=1", "--name", next((folder / "data/sweeps").iterdir()).name
    )
    before = (folder / "params.yaml").read_text()
    (folder / "params.yaml").write_text(f"{before}\n# more\n")
    try:
        assert "found M params.yaml" in refused("sweep", folder, "--set", "lr=0.1")
    finally:
        (folder / "params.yaml").write_text(before)


def test_repository_that_cannot_be_cloned_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_parameters(tmp_path, study())
    assert "expected a repository of DVC, found none" in refused("sweep", tmp_path)
    done(tmp_path, "init", "--no-scm", "-q")
    assert "expected a study in a repository of git" in refused("sweep", tmp_path)
    git(tmp_path, "init", "-q")
    done(tmp_path, "init", "--force", "-q")
    assert "params.yaml: expected it in a commit, found none" in refused("sweep", tmp_path)
    git(tmp_path, "add", "params.yaml")
    git(tmp_path, "commit", "-q", "-m", "Parameters", "--", "params.yaml")
    assert ".dvc/config: expected it in a commit, found none" in refused("sweep", tmp_path)
    commit(tmp_path, "All")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "user.useConfigOnly")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "true")
    assert "expected git's user.name and user.email, found none" in refused("sweep", tmp_path)


def test_dry_run_lists_points_without_a_repository(
    killer: Killer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "params.yaml").write_text((killer.study / "params.yaml").read_text())
    gfmn("sweep", tmp_path, *WORDS, "--dry-run")
    assert capsys.readouterr().out.splitlines() == [GOOD, BAD]
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]
