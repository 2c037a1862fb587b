"""The job of a point: what it does when it is told to stop."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gfmn.sweeps import job
from gfmn.sweeps.job import Job
from gfmn.sweeps.points import Point
from gfmn.sweeps.repository import Repository


def made(clone: Path) -> Job:
    nothing = Path()
    author = ("Team", "team@example.org")
    repository = Repository(nothing, nothing, nothing, "0" * 40, author, nothing, nothing, False)
    return Job(repository, Point("a", {}), (), clone)


def test_checkpoint_ends_what_runs_in_the_clone_and_gives_the_job_again(tmp_path: Path) -> None:
    clone, other = tmp_path / "clone", tmp_path / "clone2"
    processes = []
    python = [sys.executable, "-c", "input()"]
    for folder, command in ((clone / "study", python), (other, python), (clone, ["cat"])):
        folder.mkdir(parents=True, exist_ok=True)
        processes.append(subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE))
    delayed = made(clone).checkpoint()
    assert delayed.function == made(clone)
    assert processes[0].poll() is not None
    for process in processes[1:]:  # of another folder, and what is no stage
        assert process.poll() is None
        process.communicate(b"\n")


def test_process_that_does_not_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "PATIENCE", 0.1)
    code = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); input()"
    )
    command, pipe = [sys.executable, "-c", code], subprocess.PIPE
    with subprocess.Popen(command, cwd=tmp_path, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None
        process.stdout.readline()
        job.stop(tmp_path)
        assert process.wait() == -signal.SIGKILL


def test_dvc_of_a_job_is_deaf_to_the_signal_of_a_preemption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = tmp_path / "shown"
    code = "import os, signal; os.kill(os.getpid(), signal.SIGUSR2); open({!r}, 'w')"
    monkeypatch.setattr(
        job,
        "dvc",
        lambda words, folder, **options: subprocess.run(
            [sys.executable, "-c", code.format(str(shown))], cwd=folder, **options
        ),
    )
    job.run_dvc(tmp_path)
    assert shown.exists()
