"""The part `speed`: steps a second and peak memory by minibatch and precision."""

import gc
import time
from collections.abc import Iterator

import torch

from benchmarks.gpu_check.check import Check, expect, skip
from benchmarks.gpu_check.setting import Setting
from benchmarks.memory import peak_mib
from benchmarks.timing import Clock
from gfmn.common.devices import has_bf16
from gfmn.training.trainer import Inputs

WARM_UP = 3  # steps that are not counted
MOST = 5.0  # seconds of a measurement


def check(setting: Setting, deadline: float) -> Iterator[Check]:
    """Larger and larger minibatches in fp32, then in bf16, until memory or time is out."""
    precisions = ("fp32", "bf16") if has_bf16(setting.torch_device) else ("fp32",)
    for number, precision in enumerate(precisions, 1):
        end = time.time() + (deadline - time.time()) * number / len(precisions)
        inputs, per_image = setting.inputs(precision=precision), 0.0  # seconds, as last measured
        for batch in batches(setting):
            what = f"{precision}, minibatch {batch:,}"
            if time.time() + (WARM_UP + 1) * batch * per_image > end:
                yield skip(f"{what}: no time left")
                break
            try:
                result = measure(setting, inputs, batch, what)
                per_image = 1 / (batch * result.facts["steps_per_second"])
                yield result
            except torch.OutOfMemoryError:
                text = f"{what}: out of memory"
                yield expect(False, text) if batch == batches(setting)[0] else skip(text)
                break
            finally:
                gc.collect()
                torch.cuda.empty_cache()


def batches(setting: Setting) -> tuple[int, ...]:
    """Minibatches, rising."""
    if setting.quick:
        return (2, 4)
    return (64, 256, 1024, 4096) if setting.on_gpu else (64, 256)


def measure(setting: Setting, inputs: Inputs, batch: int, what: str) -> Check:
    """A minibatch's steps a second, and the largest memory so far; PASS where all is finite."""
    if setting.on_gpu:
        torch.cuda.reset_peak_memory_stats(setting.torch_device)
    trainer = setting.trainer(inputs, batch=batch, precision=inputs.precision)
    for step in range(WARM_UP):
        trainer.step(step)
    clock, step = Clock(setting.torch_device), WARM_UP
    start = clock.now()
    while step == WARM_UP or clock.now() - start < (0.2 if setting.quick else MOST):
        trainer.step(step)
        step += 1
    rate = (step - WARM_UP) / (clock.now() - start)
    mib = torch.cuda.max_memory_allocated() / 2**20 if setting.on_gpu else peak_mib()
    memory = f"{mib:,.0f} MiB" if setting.on_gpu else f"{mib:,.0f} MiB of the process so far"
    text = f"{what}: {rate:.2f} steps, {rate * batch:,.0f} images a second, {memory}"
    facts = {"precision": inputs.precision, "batch": batch, "steps_per_second": rate, "mib": mib}
    return expect(trainer.finite(), text, **facts)
