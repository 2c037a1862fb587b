"""A sweep on disk: its points, and what has become of each."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from gfmn.common import json_reader, paths
from gfmn.common.errors import InputError
from gfmn.common.stage import write_json
from gfmn.sweeps import LOCAL, SLURM
from gfmn.sweeps.points import Point
from gfmn.sweeps.repository import experiments, git

FOLDER = Path("data/sweeps")  # of a study; in it a folder a sweep
QUEUED = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SUSPENDED")
TAIL = 2**14  # bytes of a log that are read


@dataclass(frozen=True)
class State:
    """Where a point is, and what it came to."""

    point: Point
    state: str  # waiting, running, done, failed
    log: str | None = None  # the file of what its job prints
    reason: str | None = None  # of a failure
    scores: Mapping[str, float] | None = None  # of a point that is done


@dataclass(frozen=True)
class Sweep:
    """Points of a study at one commit, and the folder of their jobs."""

    study: Path
    name: str
    commit: str
    points: Sequence[Point]
    targets: Mapping[str, Sequence[str]]  # by run: the stages that sample and score it

    @property
    def folder(self) -> Path:
        """Jobs with their logs, and clones."""
        return (self.study / FOLDER / self.name).resolve()

    @property
    def jobs(self) -> Path:
        """submitit's folder."""
        return self.folder / "jobs"

    def write(self) -> None:
        """Keep it for `read`."""
        points = [asdict(point) for point in self.points]
        facts = {"commit": self.commit, "points": points, "targets": self.targets}
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "sweep.json").write_text(json.dumps(facts, indent=2) + "\n")

    def note(self, point: Point, where: str, number: str) -> None:
        """Keep which job a point has."""
        write_json(self.folder / "points" / f"{point.name}.json", {"job": number, "on": where})

    def states(self) -> list[State]:
        """Of every point, in their order."""
        files = [self.folder / "points" / f"{point.name}.json" for point in self.points]
        jobs = [json_reader.read(file, "a job") if file.is_file() else {} for file in files]
        active = self._active({job["on"] for job in jobs if job})
        finished = experiments(self.study, self.commit)  # after that: a job may end in between
        return [
            self._state(point, job.get("job"), active, finished)
            for point, job in zip(self.points, jobs, strict=True)
        ]

    def _state(
        self, point: Point, job: str | None, active: Mapping[str, str], finished: Mapping[str, str]
    ) -> State:
        path = self.jobs / f"{job}_0_log.out" if job else None  # submitit's name
        log = str(path) if path else None
        if point.name in finished:
            return State(point, "done", log, None, self._scores(point, finished[point.name]))
        if path is None or active.get(str(job)) in QUEUED:
            return State(point, "waiting", log)
        if job in active:
            return State(point, "running", log)
        return State(point, "failed", log, _reason(path))

    def _active(self, places: set[str]) -> dict[str, str]:
        """The state of every job that waits or runs, by its number."""
        import psutil

        found = {}
        if LOCAL in places:
            for process in psutil.process_iter(["cmdline"]):
                words = process.info["cmdline"] or ()
                if "submitit.local._local" in words and str(self.jobs) in words:
                    found[str(process.pid)] = "RUNNING"
        if SLURM in places:
            found |= _queue()
        return found

    def _scores(self, point: Point, experiment: str) -> dict[str, float]:
        """The numbers of all metrics that the experiment has of the point's run."""
        scores: dict[str, float] = {}
        for target in self.targets[point.run]:
            stage, _, key = target.partition("@")
            if stage == "evaluate":
                text = git(self.study, "show", f"{experiment}:./{paths.metrics(key).as_posix()}")
                found = json_reader.loads(text)
                scores |= {k: v for k, v in found.items() if isinstance(v, int | float)}
        return scores


def read(folder: Path, study: Path) -> Sweep:
    """A sweep that was written; `InputError` where it was not."""
    facts = json_reader.read(folder / "sweep.json", "a sweep")
    points = [Point(**point) for point in facts["points"]]
    return Sweep(study, folder.name, facts["commit"], points, facts["targets"])


def _queue() -> dict[str, str]:
    """The state of each of one's own jobs that SLURM has, by its number."""
    command = ["squeue", "--me", "--noheader", "--array", "--format=%i %T"]
    try:
        answer = subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        found = " ".join(str(getattr(error, "stderr", "") or error).split())
        raise InputError(f"squeue: expected SLURM's queue, found: {found:.200}") from None
    return dict(line.split() for line in answer.stdout.splitlines())


def _reason(log: Path) -> str:
    """The last error of a log, or its last line."""
    if not log.is_file():
        return "it did not start"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL))
        lines = file.read().decode(errors="replace").splitlines()
    for begin in ("error: ", "ERROR: ", ""):
        if found := [line for line in lines if line.strip() and line.startswith(begin)]:
            return found[-1].removeprefix(begin)
    return "it printed nothing"


def results(states: Sequence[State]) -> list[dict[str, Any]]:
    """A row a setting of a run: how many points are done, and each score's mean and deviation."""
    rows: dict[str, list[State]] = {}
    for state in states:
        rows.setdefault(json.dumps([state.point.run, state.point.setting]), []).append(state)
    return [_row(group) for group in rows.values()]


def _row(group: Sequence[State]) -> dict[str, Any]:
    point, done = group[0].point, [state.scores for state in group if state.scores is not None]
    scores = {}
    for name in done[0] if done else ():
        values = [found[name] for found in done if name in found]
        deviation = stdev(values) if len(values) > 1 else None
        scores[name] = {"mean": mean(values), "deviation": deviation, "count": len(values)}
    counts = {"points": len(group), "done": len(done)}
    return {"run": point.run, "values": point.setting, **counts, "scores": scores}
