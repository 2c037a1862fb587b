"""The parts of the check, and one of them in a process of its own, with a limit.

    python -m benchmarks.gpu_check.parts PART SETTING SECONDS

A GPU that a part leaves broken is whole again for the next one, and a part that hangs is ended.
"""

import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from benchmarks.gpu_check import agreement, graphs, inputs, machine, resume, speed, training
from benchmarks.gpu_check.check import FAIL, Check
from benchmarks.gpu_check.setting import Setting
from gfmn.common.errors import InputError

Part = Callable[[Setting, float], Iterator[Check]]  # the second: the time at which it should end
Launch = Callable[[str, Setting, float], list[Check]]  # a part's name, and its seconds

PARTS: dict[str, Part] = {
    "machine": machine.check,
    "inputs": inputs.check,
    "agreement": agreement.check,
    "graphs": graphs.check,
    "speed": speed.check,
    "resume": resume.check,
    "training": training.check,
}
REST = 5.0  # seconds before its limit at which a part that measures time ends by itself
ROOT = Path(__file__).resolve().parents[2]


def in_this_process(name: str, setting: Setting, seconds: float) -> list[Check]:
    """A part's results, each printed and added to its file as soon as it is there.

    Any exception is a FAIL, with its traceback on standard error.
    """
    setting.file("").mkdir(parents=True, exist_ok=True)
    results_file(name, setting).write_text("")
    results: list[Check] = []
    try:
        for result in PARTS[name](setting, time.time() + seconds - REST):
            results.append(show(name, setting, result))
    except Exception as error:
        traceback.print_exc()
        line = str(error).strip().partition("\n")[0]
        kind = "" if isinstance(error, InputError) else f"{type(error).__name__}: "
        results.append(show(name, setting, Check(FAIL, f"{kind}{line}")))
    return results


def in_own_process(name: str, setting: Setting, seconds: float) -> list[Check]:
    """A part's results; a FAIL more where it crashes or must be ended at its limit."""
    setting.file("").mkdir(parents=True, exist_ok=True)
    results_file(name, setting).unlink(missing_ok=True)
    words = (name, json.dumps(asdict(setting)), str(seconds))
    command = [sys.executable, "-m", "benchmarks.gpu_check.parts", *words]
    log = setting.file(f"{name}.log")
    code = run(command, seconds, log)
    results = read_results(name, setting)
    if code is None:
        text = f"did not end within {seconds:.0f} s"
        results.append(show(name, setting, Check(FAIL, f"{text}; {log}")))
    elif code != 0:
        results.append(show(name, setting, Check(FAIL, f"ended with exit code {code}; {log}")))
    return results


def run(command: list[str], seconds: float, log: Path) -> int | None:
    """A command's exit code, or None where it was ended, with all that it started, at its limit."""
    environment = {
        "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # for the parts that ask for the same bits
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
    }
    with log.open("w") as errors:
        process = subprocess.Popen(command, stderr=errors, env=environment, start_new_session=True)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def show(name: str, setting: Setting, result: Check) -> Check:
    """Print a result and add it to its part's file."""
    print(f"{result.status}  {name:<9}  {result.text}", flush=True)
    with results_file(name, setting).open("a") as file:
        file.write(json.dumps(asdict(result)) + "\n")
    return result


def results_file(name: str, setting: Setting) -> Path:
    """A part's results, a line of JSON each."""
    return setting.file(f"{name}.jsonl")


def read_results(name: str, setting: Setting) -> list[Check]:
    """What a part had found when it ended."""
    path = results_file(name, setting)
    lines = path.read_text().splitlines() if path.exists() else []
    return [Check(**json.loads(line)) for line in lines]


if __name__ == "__main__":
    in_this_process(sys.argv[1], Setting(**json.loads(sys.argv[2])), float(sys.argv[3]))
