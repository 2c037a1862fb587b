"""The part `resume`: a training that is killed half way and resumed ends in the same bytes.

python -m benchmarks.gpu_check.resume SETTING    the training that kills itself
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch

from benchmarks.gpu_check.check import Check, expect, skip
from benchmarks.gpu_check.modes import deterministic
from benchmarks.gpu_check.setting import Setting
from gfmn.networks.extractor_file import file_digest
from gfmn.runtime.checkpoints import Checkpoints
from gfmn.training.loop import Run
from gfmn.training.outputs import Files
from gfmn.training.resume import resume_point
from gfmn.training.trainer import Trainer


def check(setting: Setting, deadline: float) -> Iterator[Check]:
    """Two whole trainings with torch's own choice of kernels; then whole against resumed."""
    first, second = (finish(setting, name) for name in ("first", "second"))
    if first == second:
        yield expect(True, "two trainings with torch's default kernels give the same bytes")
    else:
        yield skip("torch's default kernels are not deterministic here: deterministic ones below")
    with deterministic():
        whole = finish(setting, "whole")
        shutil.rmtree(folder(setting, "killed"), ignore_errors=True)
        command = [sys.executable, "-m", "benchmarks.gpu_check.resume", json.dumps(asdict(setting))]
        # On a CPU other numbers of threads give other bits.
        threads = {"OMP_NUM_THREADS": str(torch.get_num_threads())}
        code = subprocess.run(command, env={**os.environ, **threads}).returncode
        yield expect(code == -signal.SIGKILL, f"killed in the middle: exit code {code}")
        run = start(setting, "killed")
        step = run.resumed.step if run.resumed else 0
        run.train()
        yield compare(whole, digests(setting, "killed"), step, steps(setting))


def compare(whole: dict[str, str], resumed: dict[str, str], step: int, steps: int) -> Check:
    """PASS where a training resumed from a step in the middle wrote the whole one's files."""
    differ = sorted(name for name, _ in whole.items() ^ resumed.items())
    found = f"differ: {', '.join(dict.fromkeys(differ))}" if differ else "are the same bytes"
    text = f"resumed from step {step} of {steps}: {len(whole)} files {found}"
    return expect(not differ and bool(whole) and 0 < step < steps, text, resumed_from=step)


def steps(setting: Setting) -> int:
    """Of the short training; a CPU has fewer to take, of smaller minibatches."""
    return 20 if setting.on_gpu and not setting.quick else 8


def folder(setting: Setting, name: str) -> Path:
    """A short training's files."""
    return setting.file("resume") / name


def start(setting: Setting, name: str, save_every: float = 300) -> Run:
    """A short training, from its last checkpoint if there is any."""
    batch = setting.batch if setting.on_gpu else 4
    config = setting.config(steps=steps(setting), batch=batch, log_every=2, grid_every=4, ema=0.9)
    root = folder(setting, name)
    checkpoints = Checkpoints(root / "scratch", name, "gpu-check")
    files = Files(root / "model", root / "history.tsv", checkpoints, save_every)
    trainer = Trainer(config, setting.inputs())
    return Run("short", trainer, files, resume_point(config, files))


def finish(setting: Setting, name: str) -> dict[str, str]:
    """A short training from its beginning to its end; the digests of its files."""
    shutil.rmtree(folder(setting, name), ignore_errors=True)
    start(setting, name).train()
    return digests(setting, name)


def digests(setting: Setting, name: str) -> dict[str, str]:
    """The sha256 of every file that a short training leaves, checkpoints apart."""
    root = folder(setting, name)
    paths = [*sorted((root / "model").rglob("*.*")), root / "history.tsv"]
    return {str(path.relative_to(root)): file_digest(path) for path in paths}


def main(words: list[str]) -> None:
    """A short training with a checkpoint after every step, that ends by SIGKILL half way."""
    setting = Setting(**json.loads(words[0]))
    run = start(setting, "killed", save_every=0)
    step = run.trainer.step

    def killing(number: int) -> None:
        step(number)
        if number == steps(setting) // 2:
            os.kill(os.getpid(), signal.SIGKILL)

    run.trainer.step = killing  # type: ignore[method-assign, assignment]
    with deterministic():
        run.train()


if __name__ == "__main__":
    main(sys.argv[1:])
