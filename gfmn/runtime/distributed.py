"""Several processes as one: each computes a shard of a batch, and sums are over all of them.

Under `torchrun` (or `launch`) the processes may be on one or several machines; they talk by gloo
on CPUs and NCCL on GPUs. One process is the case of a world of size 1, where every method here is
a no-op.
"""

import itertools
import logging
import os
import re
import signal
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from gfmn.common.devices import default_device
from gfmn.common.errors import InputError
from gfmn.runtime.watch import PARENT, bound_to_parent, watched

CPU = torch.device("cpu")
LOST = re.compile(r"closed by peer|reset by peer|Broken pipe|Connection refused", re.IGNORECASE)
LOST_CODE = 75  # exit code of a process whose others ended; EX_TEMPFAIL
_entries = itertools.count()  # of `world` in this process, the same on every rank


@dataclass(frozen=True)
class World:
    """This process among `size` of them. Its methods are collective: every rank must call them.

    Tensors lie on `device`. At size 1 nothing is sent and no process group need exist.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = CPU

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and reports: rank 0."""
        return self.rank == 0

    def shard(self, count: int) -> range:
        """This rank's contiguous part of `count` samples; shards differ by at most one sample."""
        return range(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def sum_(self, *tensors: Tensor) -> None:
        """Add tensors up over the ranks, in place, any shapes; the same bits on every rank."""
        self._communicate(tensors, dist.all_reduce)

    def broadcast_(self, *tensors: Tensor, source: int = 0) -> None:
        """Overwrite tensors of any shapes by those of rank `source`."""
        self._communicate(tensors, lambda flat: dist.broadcast(flat, source))

    @torch.no_grad()
    def _communicate(
        self, tensors: tuple[Tensor, ...], collective: Callable[[Tensor], Any]
    ) -> None:
        if self.size == 1:
            return
        for dtype in dict.fromkeys(tensor.dtype for tensor in tensors):
            # One message for many small tensors; flat, since strides may differ between ranks.
            group = [tensor for tensor in tensors if tensor.dtype == dtype]
            flat = torch.cat([tensor.reshape(-1) for tensor in group])
            with _others():
                collective(flat)
            for tensor, part in zip(group, flat.split([t.numel() for t in group]), strict=True):
                tensor.copy_(part.view(tensor.shape))

    def gather(self, tensor: Tensor) -> list[Tensor]:
        """All ranks' tensors in rank order; their shapes must be the same."""
        if self.size == 1:
            return [tensor]
        parts = list(tensor.new_empty(self.size, *tensor.shape).unbind())
        with _others():
            dist.all_gather(parts, tensor.contiguous())
        return parts

    def any(self, flag: bool) -> bool:
        """Whether `flag` is true on any rank; the host waits for the answer."""
        if self.size == 1:
            return flag
        count = torch.tensor(int(flag), device=self.device)
        self.sum_(count)
        return bool(count.item())

    def choose(self, options: Sequence[str], choice: Callable[[], str]) -> str:
        """One of the options, as rank 0 chooses while the others wait; the same on every rank."""
        index = torch.tensor(options.index(choice()) if self.is_main else 0, device=self.device)
        self.broadcast_(index)
        return options[int(index)]

    def barrier(self) -> None:
        """Wait until every rank is here."""
        self.any(False)  # unlike dist.barrier, NCCL needs no second word on the device


ALONE = World()


@contextmanager
def _others() -> Iterator[None]:
    """Context in which the end of another process ends this one without a word of its own."""
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, dist.DistError) or LOST.search(str(error)):
            sys.exit(LOST_CODE)  # `launch`, or torchrun, names the one that ended first
        raise


def under_torchrun() -> bool:
    """Whether this process was started as one of several, by torchrun or `launch`."""
    return {"RANK", "WORLD_SIZE", "LOCAL_RANK"} <= os.environ.keys()


@contextmanager
def world() -> Iterator[World]:
    """Join the processes that torchrun started, and leave them at the end, also on errors.

    Outside torchrun: this process alone, on the default device.
    """
    if not under_torchrun():
        yield World(device=default_device())
        return
    rank, size, local = (int(os.environ[key]) for key in ("RANK", "WORLD_SIZE", "LOCAL_RANK"))
    cuda = torch.cuda.is_available()
    if cuda and local >= torch.cuda.device_count():
        found = torch.cuda.device_count()
        raise InputError(f"LOCAL_RANK: expected one process a GPU, below {found}, found {local}")
    device = torch.device("cuda", local) if cuda else CPU
    if cuda:
        torch.cuda.set_device(device)  # what "cuda" without an index means from here on
    if size == 1:
        yield World(device=device)
        return
    with bound_to_parent(), _joined(rank, size, device) as joined:
        yield joined


@contextmanager
def _joined(rank: int, size: int, device: torch.device) -> Iterator[World]:
    """Context of a process group of several."""
    cuda = device.type == "cuda"
    store, _, _ = next(rendezvous("env://"))
    # The store outlives the group; under their own prefix the addresses are never stale ones.
    prefix = f"world-{next(_entries)}"
    store = dist.PrefixStore(prefix, store)
    dist.init_process_group(
        "nccl" if cuda else "gloo",
        store=store,
        rank=rank,
        world_size=size,
        device_id=device if cuda else None,
    )
    try:
        with watched(f"{prefix}-watch", rank, size):
            yield World(rank, size, device)
    except BaseException:
        # NCCL's orderly end waits for all ranks, and the others may be waiting for this one.
        # Where this process ends without it, torchrun stops the others.
        if not cuda:
            dist.destroy_process_group()
        raise
    dist.destroy_process_group()


def launch(processes: int, script: str, *arguments: str) -> int:
    """Run a Python script as so many processes on this machine; returns the exit code.

    That is the code of the first process to fail (the others are then stopped), or 128 + n where
    signal n ended it, which is one line on standard error. SIGINT, SIGTERM and SIGHUP to this
    process reach the scripts, which have 30 seconds to end. It is torchrun's own agent, in this
    process: to be called from the main thread.
    """
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",  # any free port
        local_addr="localhost",  # else the host's own name must resolve
        max_restarts=0,
    )
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    environment = set(os.environ)
    for name in logging.root.manager.loggerDict:  # each has a level of its own
        if name.startswith("torch.distributed.elastic"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # else 50 lines of the agent's
    # The processes share this one's cores; torchrun's own default is one thread each.
    threads = max(1, torch.get_num_threads() // processes)
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    os.environ[PARENT] = str(os.getpid())
    try:
        elastic_launch(config, sys.executable)("-u", script, *arguments)
    except ChildFailedError as error:
        # Not those that ended since another one did.
        first = min(error.failures.items(), key=lambda item: (_consequence(item[1].exitcode), item))
        rank, code = first[0], first[1].exitcode
        if code > 0:
            return code
        ended = f"process {rank} of {processes} (number {first[1].pid})"
        line = f"error: {Path(script).stem}: {ended}: ended by {signal.Signals(-code).name}"
        print(line, file=sys.stderr, flush=True)
        return 128 - code
    except SignalException as error:
        return 128 + error.sigval
    finally:
        for key in os.environ.keys() - environment:
            del os.environ[key]
        for number, handler in handlers.items():
            if signal.getsignal(number) != handler:  # the agent's, which would outlive it
                signal.signal(number, handler)
    return 0


def _consequence(code: int) -> int:
    """0: of a process that ended by itself; more: of one that ended since another one did."""
    return {LOST_CODE: 1, -signal.SIGTERM: 2}.get(code, 0)
