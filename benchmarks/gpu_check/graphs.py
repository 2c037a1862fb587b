"""The part `graphs`: a training step replayed as a CUDA graph does what an eager one does."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from benchmarks.gpu_check.check import Check, expect, relative_error, same_bits, skip
from benchmarks.gpu_check.modes import deterministic, variable
from benchmarks.gpu_check.setting import Setting
from benchmarks.timing import Clock
from gfmn.common.devices import has_bf16
from gfmn.training.objectives import OBJECTIVES
from gfmn.training.trainer import Inputs, Trainer

STEPS = 20
SECONDS = 0.5  # of timing, of each of up to 24 trainings
# Of the weights' changes over those steps, where bits differ: cuDNN may choose other kernels in a
# capture. A graph that replays the first noise or rate is off by more than 1/3.
CHANGE = 5e-2


@dataclass(frozen=True)
class Trained:
    """The changes of the weights over the first steps, by name, and then steps a second."""

    changes: dict[str, Tensor]
    rate: float


def check(setting: Setting, deadline: float) -> Iterator[Check]:
    """Every objective that a graph can hold, in fp32 and bf16."""
    if not setting.on_gpu:
        yield skip("CUDA graphs need a GPU")
        return
    for precision in ("fp32", "bf16") if has_bf16(setting.torch_device) else ("fp32",):
        inputs = setting.inputs(precision=precision)
        for objective in sorted(name for name, cls in OBJECTIVES.items() if cls.capturable):
            with deterministic():
                runs = [train(setting, inputs, objective, mode) for mode in ("0", "0", "1")]
            yield compare(f"{objective} in {precision}", *runs)


def train(setting: Setting, inputs: Inputs, objective: str, graphs: str) -> Trained:
    """A training whose rate and average change at every step, as `GFMN_CUDA_GRAPHS` says."""
    with variable("GFMN_CUDA_GRAPHS", graphs):
        trainer = setting.trainer(
            inputs, objective=objective, precision=inputs.precision, warmup=STEPS, ema=0.9
        )
    return take_steps(trainer, SECONDS)


def take_steps(trainer: Trainer, seconds: float) -> Trained:
    """The first steps, then as many as fit in so many seconds."""
    before = {name: value.clone() for name, value in trainer.result.state_dict().items()}
    for step in range(STEPS):
        trainer.step(step)
    after = trainer.result.state_dict()
    changes = {name: value - before[name] for name, value in after.items()}
    clock, step = Clock(trainer.device), STEPS
    start = clock.now()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        trainer.step(step)
        step += 1
    return Trained(changes, (step - STEPS) / max(clock.now() - start, 1e-9))


def compare(what: str, eager: Trained, again: Trained, graphed: Trained) -> Check:
    """PASS where the graph gives the eager weights: to the bit, or within `CHANGE`."""
    error, _ = relative_error(graphed.changes, eager.changes)
    equal = same_bits(graphed.changes, eager.changes)
    bits = "the same bits" if equal else f"relative error {error:.1e}, at most {CHANGE:.0e}"
    repeated = "" if same_bits(again.changes, eager.changes) else " (eager bits differ too)"
    rates = f"{graphed.rate:.1f} steps a second as a graph, {eager.rate:.1f} eager"
    text = f"{what}: weights after {STEPS} steps: {bits}{repeated}; {rates}"
    return expect(equal or error <= CHANGE, text, graph=graphed.rate, eager=eager.rate, bits=equal)
