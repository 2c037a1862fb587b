"""One point as a job: an experiment of DVC in a clone of its own."""

import contextlib
import os
import shutil
import signal
from configparser import RawConfigParser
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gfmn.common import parameters
from gfmn.common.runs import section_of
from gfmn.common.scripts import INSTALLED
from gfmn.study.edit import editing
from gfmn.study.pipeline import dvc, write_pipeline
from gfmn.sweeps.points import Point
from gfmn.sweeps.repository import Repository, git

if TYPE_CHECKING:
    from submitit.helpers import DelayedSubmission

PATIENCE = 60  # seconds in which a stage that was told to end saves what it has


@dataclass(frozen=True)
class Job:
    """Calling it trains and scores a point; submitit does so, on this machine or on another.

    It is the same from the beginning however often: the clone is made anew, stages that were done
    are in DVC's cache, and a training resumes from its checkpoint.
    """

    repository: Repository
    point: Point
    targets: tuple[str, ...]  # stages of the pipeline
    clone: Path  # of git's repository, gone at the end
    threads: int | None = None
    gpus: str | None = None  # CUDA_VISIBLE_DEVICES; None: as SLURM has it

    def __call__(self) -> None:
        """Raises `CalledProcessError` where git or DVC failed; the clone then stays."""
        repository, name = self.repository, self.point.name
        stop(self.clone)
        shutil.rmtree(self.clone, ignore_errors=True)
        self._make_clone()
        folder = self.clone / repository.study
        path = folder / "params.yaml"
        params = parameters.read(path)
        with editing(path) as editor:
            for field, value in self.point.values.items():
                row = section_of(params, self.point.run, str(path)), self.point.run
                editor.set((*row, *field.split(".")), value)
        if params.get("root") == INSTALLED:
            write_pipeline(folder)
        os.environ["GFMN_SCRATCH"] = str(repository.scratch)
        if self.threads:
            os.environ["OMP_NUM_THREADS"] = str(self.threads)
        if self.gpus is not None:
            os.environ["CUDA_VISIBLE_DEVICES"] = self.gpus
        # Without a remote all that is missing comes from the cache, which is shared.
        pull = ["--pull", "--allow-missing"] if repository.remote else []
        run_dvc(folder, "exp", "run", "--name", name, *pull, *self.targets)
        files = [] if repository.remote else ["--no-cache"]
        run_dvc(folder, "exp", "push", "--force", *files, "origin", name)
        shutil.rmtree(self.clone)

    def checkpoint(self) -> "DelayedSubmission":
        """submitit calls it before the time is over or the job is preempted: save, start again."""
        from submitit.helpers import DelayedSubmission

        stop(self.clone)
        return DelayedSubmission(self)

    def _make_clone(self) -> None:
        repository = self.repository
        name, address = repository.author
        options = ("-c", f"user.name={name}", "-c", f"user.email={address}", "--no-checkout")
        git(Path(), "clone", "--quiet", *options, str(repository.root), str(self.clone))
        git(self.clone, "checkout", "--quiet", "--detach", repository.commit)
        config, local = RawConfigParser(), repository.dvc / ".dvc/config.local"
        config.read(repository.root / local)  # credentials, which git does not have
        config.read_dict({"cache": {"dir": str(repository.cache)}})
        with (self.clone / local).open("w") as file:
            config.write(file)


def run_dvc(folder: Path, *words: str) -> None:
    """DVC in a clone; the signal that announces a preemption to this process leaves it alone."""
    dvc(words, folder, check=True, preexec_fn=_ignore_preemption)


def _ignore_preemption() -> None:
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)


def stop(clone: Path) -> None:
    """End what runs in a clone, also where its job was killed alone: stages save what they have.

    That is Python; a shell or an editor that somebody has there goes on.
    """
    import psutil

    found: list[Any] = []
    for process in psutil.process_iter(["cwd", "exe"]):
        inside = process.info["cwd"] and Path(process.info["cwd"]).is_relative_to(clone)
        python = Path(process.info["exe"] or "").name.startswith("python")
        if inside and python and process.pid != os.getpid():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
            found.append(process)
    for process in psutil.wait_procs(found, timeout=PATIENCE)[1]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
