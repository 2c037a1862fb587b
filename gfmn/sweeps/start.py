"""Jobs of a sweep, started by submitit: on this machine, or by SLURM."""

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import torch

from gfmn.common.errors import InputError
from gfmn.sweeps import LOCAL, SLURM
from gfmn.sweeps.job import PATIENCE, Job
from gfmn.sweeps.points import Point
from gfmn.sweeps.repository import Repository
from gfmn.sweeps.sweep import Sweep

if TYPE_CHECKING:
    from submitit import AutoExecutor

SECONDS = 5.0  # between two looks at SLURM


@dataclass(frozen=True)
class Limits:
    """What the jobs of a sweep may have."""

    minutes: float  # after which a job saves what it has and is started again
    at_once: int
    requeues: int  # such starts, and those after a kill
    cpus: int | None
    gpus: int | None
    memory: float | None  # GB
    slurm: Mapping[str, Any]  # more options of sbatch


def start(
    sweep: Sweep,
    repository: Repository,
    todo: Sequence[Point],
    on: str,
    limits: Limits,
    tell: Callable[[str], None],
) -> None:
    """Start the jobs of some points; on this machine wait for them all."""
    jobs = [
        Job(
            repository,
            point,
            tuple(sweep.targets[point.run]),
            sweep.folder / "clones" / point.name,
            limits.cpus,
        )
        for point in todo
    ]
    (_queue if on == SLURM else _run)(sweep, jobs, limits, tell)


def _executor(sweep: Sweep, on: str, limits: Limits) -> "AutoExecutor":
    from submitit import AutoExecutor

    try:
        executor = AutoExecutor(
            sweep.jobs, cluster=on, **{f"{on}_max_num_timeout": limits.requeues}
        )
    except RuntimeError as error:
        raise InputError(f"--on {on}: {error}") from None
    executor.update_parameters(
        name=sweep.name,
        timeout_min=limits.minutes,
        cpus_per_task=limits.cpus,
        gpus_per_node=limits.gpus if on == SLURM else 0,  # a job sets them itself
        mem_gb=limits.memory,
        stderr_to_stdout=True,
        slurm_array_parallelism=limits.at_once,
        slurm_signal_delay_s=PATIENCE + 30,
        slurm_additional_parameters={"requeue": True, **limits.slurm},
    )
    return executor


def _queue(sweep: Sweep, jobs: Sequence[Job], limits: Limits, tell: Callable[[str], None]) -> None:
    """All at once, as an array: SLURM has the queue."""
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    executor = _executor(sweep, SLURM, limits)
    try:
        with executor.batch():
            started = [executor.submit(job) for job in jobs]
    except (FailedJobError, FailedSubmissionError) as error:
        raise InputError(f"--on slurm: {' '.join(str(error).split())}") from None
    for job, one in zip(jobs, started, strict=True):
        sweep.note(job.point, SLURM, one.job_id)
        tell(f"{job.point.name}: job {one.job_id}")


def _run(sweep: Sweep, jobs: Sequence[Job], limits: Limits, tell: Callable[[str], None]) -> None:
    """Some at a time; one whose job was killed is started again."""
    executor, stopped = _executor(sweep, LOCAL, limits), threading.Event()
    places = SimpleQueue[str]()
    for place in gpus(limits):
        places.put(place)

    def run(job: Job) -> None:
        place = places.get()
        for _ in range(1 + limits.requeues):
            one = executor.submit(replace(job, gpus=place))
            sweep.note(job.point, LOCAL, one.job_id)
            tell(f"{job.point.name}: job {one.job_id}")
            one.wait()
            if one.paths.result_pickle.exists() or stopped.is_set():
                break
        places.put(place)

    with ThreadPoolExecutor(limits.at_once) as pool:
        try:
            list(pool.map(run, jobs))
        except BaseException:  # an interruption, which the jobs have had too
            stopped.set()
            pool.shutdown(cancel_futures=True)
            raise


def gpus(limits: Limits) -> list[str]:
    """This machine's GPUs, divided among the jobs that run at once, as CUDA_VISIBLE_DEVICES."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    found = named.split(",") if named else [str(n) for n in range(torch.cuda.device_count())]
    if (limits.gpus or 0) > len(found):
        raise InputError(f"--gpus: expected at most {len(found)} here, found {limits.gpus}")
    each = min(len(found), 1) if limits.gpus is None else limits.gpus
    places = [range(place * each, (place + 1) * each) for place in range(limits.at_once)]
    return [",".join(found[n % len(found)] for n in place) for place in places]


def wait(sweep: Sweep) -> None:
    """Until no job of the sweep waits or runs."""
    while any(state.log and state.state in ("waiting", "running") for state in sweep.states()):
        time.sleep(SECONDS)
