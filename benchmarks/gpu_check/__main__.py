"""Whether the project works on this machine's GPU: docs/gpu.md.

    python -m benchmarks.gpu_check [--weights FILE] [--images PATH] [--out gpu-check]
                                   [--device cuda|cpu] [--minutes 5] [--quick]

A line for every result, `report.json` with the numbers, and exit code 1 after any FAIL. It ends
within `minutes` and five more, and reads nothing from a network.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import torch

from benchmarks.gpu_check.check import FAIL, PASS, SKIP, Check
from benchmarks.gpu_check.parts import PARTS, Launch, in_own_process, show
from benchmarks.gpu_check.setting import Setting
from gfmn.common.stage import write_json

LIMITS = {  # seconds of each part but `training`
    "machine": 40.0,
    "inputs": 60.0,
    "agreement": 80.0,
    "graphs": 60.0,
    "speed": 70.0,
    "resume": 60.0,
}
STARTING = 40.0  # seconds beyond its minutes in which `training` must have ended
BEYOND = 285.0  # seconds of all parts together beyond those minutes
LEAST = 10.0  # seconds with which it makes sense to start a part
NEEDED = ("machine", "inputs")  # without which no other part can run


def main(words: Sequence[str] | None = None, launch: Launch = in_own_process) -> None:
    """Run the parts in turn, and exit with 0 where nothing failed."""
    setting = parse(words)
    if setting.on_gpu and not torch.cuda.is_available():
        built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "no CUDA"
        sys.exit(
            f"error: expected a GPU, torch {torch.__version__} (built for {built}) found none; "
            "`--device cpu` runs the same parts on the CPU"
        )
    setting.file("").mkdir(parents=True, exist_ok=True)
    start, parts = time.monotonic(), {}
    for name in PARTS:
        begun = time.monotonic()
        seconds = limit(name, setting.minutes, begun - start)
        results = run_part(name, setting, seconds, launch)
        parts[name] = (results, time.monotonic() - begun, seconds)
        report = describe(setting, parts, time.monotonic() - start)
        write_json(setting.file("report.json"), report)
        if name in NEEDED and failed(results):
            break
    verdict = PASS if report["passed"] else FAIL
    print(f"{verdict}  {report['summary']}; {setting.file('report.json')}")
    sys.exit(0 if report["passed"] else 1)


def parse(words: Sequence[str] | None) -> Setting:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu_check",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--weights", help="extractor file or checkpoint (default: random weights)")
    parser.add_argument("--images", help="folder, parquet or .npy (default: crops of photographs)")
    parser.add_argument("--out", default="gpu-check", help="folder of the report and the images")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--minutes", type=float, help="of training (default: 5; quick: 0.1)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does it run?")
    options = parser.parse_args(words)
    if options.minutes is None:
        options.minutes = 0.1 if options.quick else 5.0
    return Setting(**vars(options))


def limit(name: str, minutes: float, elapsed: float) -> float:
    """A part's seconds, when `elapsed` of all are gone: its own limit, or what is left."""
    training = 60 * minutes
    return min(LIMITS.get(name, training + STARTING), BEYOND + training - elapsed)


def run_part(name: str, setting: Setting, seconds: float, launch: Launch) -> list[Check]:
    """A part's results; a FAIL where there is no time for it, or where it found nothing."""
    if seconds < LEAST:
        return [show(name, setting, Check(FAIL, "no time left"))]
    results = launch(name, setting, seconds)
    return results or [show(name, setting, Check(FAIL, "ended without a result"))]


def failed(results: Sequence[Check]) -> bool:
    """Whether one of them is a FAIL."""
    return any(result.status == FAIL for result in results)


def describe(
    setting: Setting, parts: Mapping[str, tuple[list[Check], float, float]], seconds: float
) -> dict[str, Any]:
    """The report; it passes where every part has run and nothing failed."""
    found = [result.status for results, _, _ in parts.values() for result in results]
    missing = [name for name in PARTS if name not in parts]
    not_run = f"; not run: {', '.join(missing)}" if missing else ""
    return {
        "passed": not missing and FAIL not in found,
        "summary": f"{len(found)} checks, {found.count(FAIL)} failed, {found.count(SKIP)} skipped, "
        f"in {seconds:.0f} s on {setting.device}{not_run}",
        "setting": asdict(setting),
        "seconds": round(seconds, 1),
        "parts": {
            name: {
                "passed": not failed(results),
                "seconds": round(took, 1),
                "limit": limit,
                "checks": [asdict(result) for result in results],
            }
            for name, (results, took, limit) in parts.items()
        },
    }


if __name__ == "__main__":
    main()
