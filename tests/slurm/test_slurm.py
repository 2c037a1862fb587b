"""`gfmn sweep --on slurm` on a SLURM of one node: four trainings on two CPUs, two put back.

Takes minutes, so it runs only where asked for: `pytest -m slow tests/slurm`. SLURM_TRACE names a
file for the states of the jobs over time.
"""

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders.commands import gfmn
from builders.project import commit, done, git, project
from builders.sweeps import results, study
from builders.waiting import until
from slurm.cluster import PATH, cluster, missing

pytestmark = pytest.mark.slow
RATES, SEEDS = ("0.0001", "0.001"), (0, 1)
NAMES = [f"a-lr={rate}-seeds={seed}" for rate in RATES for seed in SEEDS]
STEPS = 400
WORDS = ("--set", f"lr={','.join(RATES)}", "--seeds", len(SEEDS), "--cpus", 1, "--on", "slurm")
PROGRESS = re.compile(r"^train a: \d+/", re.MULTILINE)
LAST = 15 * 60  # seconds


def parameters() -> dict[str, Any]:
    params = study()
    params["runs"]["a"] |= {"steps": STEPS, "grid_every": STEPS, "precision": "fp32"}
    params["datasets"]["digits"]["count"] = 200
    kernel, manifold = {"subsets": 2, "size": 50}, {"k": 3, "count": 100}
    counts = {"counts": [100], "splits": 2, "kernel": kernel, "manifold": manifold, "neighbors": 10}
    return params | {"sampling": {"count": 200}, "metrics": counts}


def answer(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True).stdout


class Trace(threading.Thread):
    """The states of all jobs whenever one of them changes, in seconds from the first."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[str] = []
        self.ended = threading.Event()
        self.start_time = time.monotonic()

    def run(self) -> None:
        before = ""
        while not self.ended.wait(0.5):
            lines = answer("squeue", "--array", "--noheader", "--sort=i", "--format=%i %T %r")
            now = "; ".join(line.removesuffix(" None") for line in lines.splitlines())
            if now != before:
                self.note(now or "none")
            before = now

    def note(self, text: str) -> None:
        self.rows.append(f"{time.monotonic() - self.start_time:6.1f} s  {text}")


class Swept:
    """A sweep that SLURM has done, and the same points by hand."""

    def __init__(self, folder: Path) -> None:
        self.study, self.hand = folder / "study", folder / "hand"
        project(self.study, parameters())
        for key, value in {"name": "Team", "email": "team@example.org"}.items():
            git(self.study, "config", f"user.{key}", value)
        done(self.study, "repro", "extract-stats@digits-encoder-eval", "reference@digits-encoder")
        commit(self.study, "A study")
        shutil.copytree(self.study, self.hand, symlinks=True)

    def sweep(self, trace: Trace) -> None:
        gfmn("sweep", self.study, *WORDS)
        until(lambda: len(self.training()) > 1 or not answer("squeue", "--noheader"), LAST)
        requeued, over = self.training()
        commands = [("scontrol", "requeue", requeued), ("scancel", "--signal=USR2", over)]
        for command in commands:
            trace.note(" ".join(command))
            answer(*command)
        for job in (requeued, over):
            until(lambda job=job: "BeginTime" in answer("squeue", "--array", f"--jobs={job}"), LAST)
            now = ("scontrol", "update", f"JobId={job}", "StartTime=now")  # not in two minutes
            trace.note(" ".join(now))
            answer(*now)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            gfmn("sweep", self.study, *WORDS, "--wait", "--json")
        self.found = json.loads(printed.getvalue())
        self.put_back = [NAMES[int(job.partition("_")[2])] for job in (requeued, over)]

    def training(self) -> list[str]:
        """The jobs that have said how far their training is."""
        logs = self.study.glob("data/sweeps/*/jobs/*_log.out")
        found = [log.name for log in sorted(logs) if PROGRESS.search(log.read_text())]
        return [name.removesuffix("_0_log.out") for name in found]


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Swept]:
    if names := missing():
        pytest.skip(f"no {', '.join(names)} here: apt-get install slurm-wlm munge")
    folder = tmp_path_factory.mktemp("slurm")
    swept = Swept(folder)
    with pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        try:
            configuration = stack.enter_context(cluster(folder / "cluster"))
        except RuntimeError as error:
            pytest.skip(f"SLURM does not start here: {error}")
        patch.setenv("PATH", PATH)
        patch.setenv("SLURM_CONF", str(configuration))
        patch.setenv("OMP_NUM_THREADS", "1")
        trace = Trace()
        trace.start()
        try:
            swept.sweep(trace)
            until(lambda: not answer("squeue", "--noheader"), LAST)
        finally:
            trace.ended.set()
            trace.join()
        if file := os.environ.get("SLURM_TRACE"):
            rows = [*trace.rows, "", answer("sacct", "--completion").rstrip()]
            Path(file).write_text("\n".join(rows) + "\n")
        yield swept


def test_every_point_is_done(swept: Swept) -> None:
    states = {point["name"]: point["state"] for point in swept.found["points"]}
    assert states == dict.fromkeys(NAMES, "done")
    assert [(row["values"], row["done"]) for row in swept.found["results"]] == [
        ({"lr": float(rate)}, len(SEEDS)) for rate in RATES
    ]


def test_points_that_were_put_back_resumed(swept: Swept) -> None:
    for name in swept.put_back:
        digest = results(swept.study, name)["data/timings/train-a.json"]
        cached = swept.study / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
        assert 0 < json.loads(cached.read_text())["from_step"] < STEPS


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("seed", SEEDS)
def test_point_is_the_experiment_that_dvc_makes_by_hand(
    swept: Swept, rate: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    name = f"a-lr={rate}-seeds={seed}"
    values = ("-S", f"runs.a.lr={rate}", "-S", f"runs.a.seeds=[{seed}]")
    done(swept.hand, "exp", "run", "--name", name, *values, "sample@a", "evaluate@a-encoder")
    swept_files, by_hand = results(swept.study, name), results(swept.hand, name)
    assert swept_files.keys() == by_hand.keys() and "data/models/a" in by_hand
    different = {path for path in by_hand if by_hand[path] != swept_files[path]}
    assert different == {"data/timings/train-a.json"}  # durations
