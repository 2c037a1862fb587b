"""Kills a study's stages at random moments, and compares its outputs with an undisturbed run's.

    python -m benchmarks.kills [--kills 50] [--full 0] [--seed 0] [--out kills.tsv]

The study `kills.yaml` has every stage. It is built undisturbed first. Then a random stage is run
again without its checkpoints, gets SIGKILL with all its processes at a random moment of its usual
duration, is now and then killed again, and runs to its end. What it finds of the undisturbed run
stays in place, so that it has to replace its own outputs. After each all outputs of the study must
have the bytes of the undisturbed run, and nothing temporary may be left. A stage runs in a fork of
this process, which has imported everything, so that a kill meets its work and not its imports;
the code must not be edited meanwhile.

With `--full` as many stages are run under a random limit of a file's size, as on a disk that is
full: each has to end well or with one line, and then, without the limit, with the same bytes.

The table has a row a kill: the stage, the seconds after it began, and how many partial files and
temporary folders the kill left; and a row a limit, with its bytes and whether it was met. The last
line says how often outputs differed; the exit code is 1 if any did.
"""

import argparse
import hashlib
import os
import random
import resource
import runpy
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

CODE = Path(__file__).resolve().parents[1]
UNEQUAL = ("data/timings", "data/scratch", "data/locks")  # durations, and what no stage puts out
LAYERS = (0, 3, 6, 8, 11, 13, 16, 18)  # VGG11's convolutions
CHANNELS = (3, 64, 128, 256, 256, 512, 512, 512, 512)
AGAIN = 0.3  # probability that a killed stage is killed once more


def main() -> None:
    """Build undisturbed, then kill; write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--full", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("kills.tsv"))
    options = parser.parse_args()
    out, draw = options.out.resolve(), random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        stages = make_study()
        preload(stages)
        seconds = {stage: run(stage) for stage in stages}
        timings = shutil.copytree("data/timings", "timings")
        run("report")  # with these durations
        expected, differ = digests(), 0
        rows: list[str] = []
        print(f"{len(expected)} outputs of {len(stages)} stages", flush=True)
        while len(rows) < options.kills + options.full:
            stage = draw.choice(stages)
            shutil.rmtree("data/scratch", ignore_errors=True)
            killed = len(rows) < options.kills
            if not killed:
                limit = int(10 ** draw.uniform(4, 7))
                rows.append(f"{stage}\t{limit} bytes\t{int(limited(stage, limit))}")
            while killed and len(rows) < options.kills:
                after = draw.uniform(0, seconds[stage])
                if killed := kill(stage, after):
                    rows.append(f"{stage}\t{after:.3f} s\t{len(temporary())}")
                    print(len(rows), rows[-1], sep="\t", flush=True)
                killed = killed and draw.random() < AGAIN
            run(stage)
            shutil.copytree(timings, "data/timings", dirs_exist_ok=True)
            found = digests()
            names = {*found, *expected}
            apart = sorted(name for name in names if found.get(name) != expected.get(name))
            differ += bool(apart)
            print(f"{stage}: {len(names)} outputs, different: {apart}", flush=True)
            result = f"# {len(rows)} times, {len(expected)} outputs, {differ} times different"
            out.write_text("\n".join(["stage\tafter\tleft", *rows, result]) + "\n")
    sys.exit(differ > 0)


def make_study() -> list[str]:
    """The study and its weights in this folder; its stages in the order of the pipeline."""
    import torch
    import yaml

    params = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())
    torch.manual_seed(0)
    state = {
        f"features.{index}.{kind}": torch.randn(shape) * 0.05
        for index, (i, o) in zip(LAYERS, pairwise(CHANNELS), strict=True)
        for kind, shape in (("weight", (o, i, 3, 3)), ("bias", (o,)))
    }
    torch.save(state, "vgg11.pth")
    digest = hashlib.sha256(Path("vgg11.pth").read_bytes()).hexdigest()
    for section in ("extractors", "evaluators"):
        params[section]["fetched"]["vgg11"]["source"]["sha256"] = digest
    Path("params.yaml").write_text(yaml.safe_dump(params))
    pipeline = yaml.safe_load((CODE / "dvc.yaml").read_text())["stages"]
    return [name for stage, entry in pipeline.items() for name in _names(stage, entry, params)]


def _names(stage: str, entry: Any, params: Any) -> Iterator[str]:
    if "foreach" not in entry:
        yield stage
        return
    rows = params
    for key in entry["foreach"].strip("${}").split("."):
        rows = rows[key]
    yield from (f"{stage}@{row}" for row in rows)


def script(stage: str) -> str:
    """The file of a stage."""
    return str(CODE / "stages" / f"{stage.partition('@')[0].replace('-', '_')}.py")


def preload(stages: Sequence[str]) -> None:
    """Import what the stages import."""
    sys.path.insert(0, str(CODE / "stages"))
    os.environ |= {"GFMN_COMPILE": "0", "GFMN_CHECKPOINT_SECONDS": "0.1"}
    for path in {script(stage) for stage in stages}:
        runpy.run_path(path, run_name="imported")


def start(stage: str, limit: int = resource.RLIM_INFINITY) -> int:
    """Run a stage in a process group of its own, its files of `limit` bytes at most; its number."""
    if process := os.fork():
        with suppress(OSError):  # it did so itself
            os.setpgid(process, process)
        return process
    os.setpgid(0, 0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    log = os.open("log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.argv = [script(stage), *stage.split("@")[1:]]
    code = 1
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
        code = 0
    except SystemExit as error:
        print(error, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def run(stage: str) -> float:
    """Run a stage to its end, which must be a good one; its seconds."""
    began = time.perf_counter()
    if os.waitpid(start(stage), 0)[1]:
        sys.exit(f"{stage} failed:\n{Path('log').read_text()}")
    return time.perf_counter() - began


def limited(stage: str, limit: int) -> bool:
    """Run a stage with files of at most so many bytes; whether it ended for that, in one line."""
    if not os.waitpid(start(stage, limit), 0)[1]:
        return False
    lines = Path("log").read_text().splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    if len(errors) != 1 or any("Traceback" in line for line in lines):
        sys.exit(f"{stage}, {limit} bytes:\n" + "\n".join(lines))
    return True


def kill(stage: str, seconds: float) -> bool:
    """Run a stage and kill it after that many seconds; False where it had ended before."""
    process = start(stage)
    time.sleep(seconds)
    ended, status = os.waitpid(process, os.WNOHANG)
    if not ended:
        os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)
        deadline = time.monotonic() + 60
        while left := in_this_folder():
            if time.monotonic() > deadline:
                sys.exit(f"{stage}: expected no process of it after 60 s, found {left}")
            time.sleep(0.05)
    elif status:
        sys.exit(f"{stage} failed:\n{Path('log').read_text()}")
    return not ended


def in_this_folder() -> list[int]:
    """The numbers of other processes in this folder: those that a killed one had started."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if link.readlink() == Path.cwd() and (number := int(link.parent.name)) != os.getpid():
                found.append(number)
    return found


def temporary() -> list[Path]:
    """Partial files and temporary folders."""
    return [path for kind in (".*.part", "temporary-*", "*.tmp") for path in Path().rglob(kind)]


def digests() -> dict[str, str]:
    """Every output's sha256; temporary files and folders as such."""
    found = {str(path): "temporary" for path in temporary()}
    for path in sorted(p for top in ("data", "reports") for p in Path(top).rglob("*")):
        if path.is_file() and not str(path).startswith(UNEQUAL):
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


if __name__ == "__main__":
    main()
