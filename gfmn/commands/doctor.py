"""`gfmn doctor`: what this machine has, and what a study would miss."""

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata, util
from pathlib import Path
from typing import Literal, NamedTuple

from gfmn.inference.output import Result, paint

LEAST_DISK, LEAST_MEMORY = 5, 4  # GiB: a study of 50,000 images at 32 px
COLORS = {"ok": "green", "slow": "yellow", "missing": "red"}
EXTRAS = {  # extra: a module that it brings
    "pipeline": "dvc",
    "metrics": "torchmetrics",
    "hub": "huggingface_hub",
    "onnx": "onnxruntime",
    "s3": "dvc_s3",
}


class Finding(NamedTuple):
    """One thing that was looked at."""

    subject: str
    state: Literal["ok", "slow", "missing", "optional"]
    found: str
    remedy: str = ""  # a command, or what to do


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.description = "Say what this machine has, what is missing, and what mends it."


def run(arguments: argparse.Namespace) -> Result:
    """What was found, one line each."""
    findings, lines = list(look()), []
    for subject, state, found, remedy in findings:
        shown = paint(f"{state:8}", COLORS[state], sys.stdout) if state in COLORS else f"{state:8}"
        lines.append(f"{shown}  {subject:9}  {found}" + (f": {remedy}" if remedy else ""))
    return Result("\n".join(lines), [finding._asdict() for finding in findings])


def look() -> Iterator[Finding]:
    """Python, processor, memory, disk, GPU, tools and extras."""
    import torch

    from gfmn.common.devices import has_bf16_units

    python = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", "ok", f"{python}, gfmn {metadata.version('gfmn')}")
    yield Finding("torch", "ok", torch.__version__)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield Finding("cores", "ok", f"{cores}, {torch.get_num_threads()} threads used")
    if has_bf16_units(torch.device("cpu")):
        yield Finding(
            "bf16", "ok", "the processor multiplies it, which trains two to eight times faster"
        )
    else:
        yield Finding("bf16", "slow", "not in this processor; training is in float32")
    yield _memory()
    yield _disk()
    if torch.cuda.is_available():
        gpu = torch.cuda.get_device_properties(0)
        yield Finding("GPU", "ok", f"{gpu.name}, {gpu.total_memory / 2**30:.0f} GiB")
    elif torch.version.cuda and shutil.which("nvidia-smi"):
        found = "a driver, which torch cannot use"
        yield Finding("GPU", "missing", found, "compare `nvidia-smi` with torch's CUDA version")
    else:
        yield Finding("GPU", "optional", "none; all runs on the processor")
    for tool, why in (("git", "for experiments and sharing"), ("cc", "for compiled kernels")):
        path = shutil.which(tool) or (shutil.which("gcc") if tool == "cc" else None)
        state: Literal["ok", "missing"] = "ok" if path else "missing"
        remedy = "" if path else f"install it, {why}"
        yield Finding(tool, state, path or "not there", remedy)
    for extra, module in EXTRAS.items():
        if util.find_spec(module):
            yield Finding(extra, "ok", "the extra is installed")
        else:
            yield Finding(extra, "optional", "not installed", f"pip install 'gfmn[{extra}]'")


def _memory() -> Finding:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (ValueError, OSError, AttributeError):
        return Finding("memory", "ok", "unknown on this system")
    enough = total >= LEAST_MEMORY
    remedy = "" if enough else f"{LEAST_MEMORY} GiB are needed for 32 px"
    return Finding("memory", "ok" if enough else "slow", f"{total:.0f} GiB", remedy)


def _disk() -> Finding:
    free = shutil.disk_usage(Path()).free / 2**30
    enough = free >= LEAST_DISK
    remedy = "" if enough else f"a study of 50,000 images takes about {LEAST_DISK} GiB; free some"
    return Finding("disk", "ok" if enough else "missing", f"{free:.0f} GiB free here", remedy)
