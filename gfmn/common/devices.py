"""Where computation runs, in which precision, and how its memory is kept."""

import ctypes
import gc
import resource
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import torch

PRECISIONS = ("auto", "fp32", "bf16")
GAIN = 1.1  # times that bf16 must be faster: near a tie the same choice on every start

Work = Callable[[], object]


def default_device() -> torch.device:
    """The first GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def has_bf16(device: torch.device) -> bool:
    """Whether the device computes in bf16 at all without emulating it."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    mkldnn = torch.backends.mkldnn.is_available()  # else the next line finds no such operation
    return mkldnn and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def has_bf16_units(device: torch.device) -> bool:
    """Whether the hardware multiplies bf16 natively: AMX or AVX-512 on a CPU, Ampere or later."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    probes = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(getattr(torch.cpu, probe, bool)() for probe in probes)


def peak_memory() -> int:
    """Bytes that this process has held at most; on a GPU those of its memory."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    status = Path("/proc/self/status")
    if status.exists():  # since ru_maxrss also knows what the parent held when this one started
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) << 10
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def measured_precision(make: Callable[[str], Work], device: torch.device) -> str:
    """`bf16` where that is clearly faster, else `fp32`.

    `make(precision)` returns a piece of work that ends with its result computed; it is called a
    few times. Depthwise convolutions are one kind that bf16 makes several times slower on a CPU.
    """
    if not has_bf16(device):
        return "fp32"
    seconds = {}
    for precision in ("fp32", "bf16"):  # one after the other: both at once take memory
        work = make(precision)
        work()  # the first call compiles and allocates
        seconds[precision] = min(_seconds(work, device) for _ in range(3))
        del work
        gc.collect()  # the network tried out is held in cycles
    return "bf16" if seconds["fp32"] > GAIN * seconds["bf16"] else "fp32"


def _seconds(work: Work, device: torch.device) -> float:
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def autocast(precision: str, device: torch.device) -> AbstractContextManager[None]:
    """Run convolutions in bf16 where `precision` says so."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16")


def keep_freed_memory() -> None:
    """Let glibc keep what a step frees, for the next step; elsewhere this does nothing.

    By default it returns large blocks to the system and takes them back at every step, and
    clearing those pages again costs more than the arithmetic of many layers.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        trim_threshold, mmap_threshold = -1, -3  # malloc.h
        mallopt(mmap_threshold, 32 << 20)  # bytes, the most that it takes
        mallopt(trim_threshold, 1 << 30)
