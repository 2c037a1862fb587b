"""Peak memory, each case in a process of its own: `python -m benchmarks.memory <case> ...`.

Resident memory of the whole process, interpreter and torch included; on a GPU what torch
allocated there. Ours keep freed memory as the training stage does; the reference does not.
"""

import argparse
import json
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch  # of this project nothing here: the case `import` is torch alone

STEPS = 12
PASS_LENGTHS = (1024, 8192)  # images


@dataclass(frozen=True)
class Peak:
    """What a case reports."""

    mib: float
    ms: float = 0.0  # median of its steps
    precision: str = ""


def peak_mib() -> float:
    """The largest memory of this process so far."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**20
    status = Path("/proc/self/status")
    if status.exists():  # since ru_maxrss also knows what the parent held when this one started
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10
    import resource

    unit = 1 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def measure(case: str, arm: str = "-", number: int = 0) -> Peak:
    """Run a case in a fresh process. `number`: its minibatch, or a pass's images."""
    command = [sys.executable, "-m", "benchmarks.memory", case, arm, str(number)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Peak(**json.loads(done.stdout.splitlines()[-1]))


def _steps(case: str, name: str, batch: int) -> Peak:
    """A dozen training steps: `plain`, or ours in the precision that the case names."""
    from benchmarks.arms import ARMS, describe_precision
    from benchmarks.timing import WARM_UP, Clock
    from gfmn.common.devices import default_device, keep_freed_memory

    device, arm = default_device(), ARMS[name]
    clock, precision = Clock(device), "fp32"
    if case == "plain":
        training = arm.plain_training(device)
        seconds = [clock.seconds(partial(training.step, batch)) for _ in range(STEPS)]
    else:
        keep_freed_memory()
        trainer = arm.trainer(case, batch, device)
        precision = describe_precision(trainer.extractor, trainer.precision)
        seconds = [clock.seconds(partial(trainer.step, step)) for step in range(STEPS)]
    return Peak(peak_mib(), 1e3 * statistics.median(seconds[WARM_UP:]), precision)


def _pass(name: str, count: int) -> Peak:
    """The statistics pass over one image so many times, which takes no memory itself."""
    import io

    import numpy as np

    from benchmarks.arms import ARMS, IMAGE_SIZE, describe_precision
    from benchmarks.passes import BATCH
    from gfmn.common.devices import default_device, keep_freed_memory
    from gfmn.common.progress import Progress
    from gfmn.features.statistics import extract

    keep_freed_memory()
    extractor = ARMS[name].extractor("auto", default_device())
    images = np.broadcast_to(np.uint8(128), (count, IMAGE_SIZE, IMAGE_SIZE, 3))
    extract(images, extractor, BATCH, Progress("", count, "images", stream=io.StringIO()))
    return Peak(peak_mib(), precision=describe_precision(extractor))


def main() -> None:
    """Run one case and print its peak as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", choices=("import", "plain", "fp32", "bf16", "auto", "pass"))
    parser.add_argument("arm")
    parser.add_argument("number", type=int)
    options = parser.parse_args()
    if options.case == "import":
        peak = Peak(peak_mib())
    elif options.case == "pass":
        peak = _pass(options.arm, options.number)
    else:
        peak = _steps(options.case, options.arm, options.number)
    print(json.dumps(asdict(peak)))


if __name__ == "__main__":
    main()
