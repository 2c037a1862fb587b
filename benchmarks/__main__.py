"""Time and memory of training and of the statistics pass, against the plain reference.

    python -m benchmarks [--batch 64] [--repeats 7] [--arms NAME ...] [--quick] [--long]

Two arms, both at 32 px with the ADAM moving average and random weights: `vgg19_dcgan` (the 16
taps of VGG19 with batch norm, the DCGAN generator) and `vgg19_resnet18_resnet` (the first 16 taps
of VGG19 and of ResNet18 each, the ResNet generator). Ours runs in fp32, in bf16 where the device
has it, and as the measured precision (`auto`) chooses.

The plain reference (`benchmarks/plain.py`) is this project's own writing of the paper's
algorithm. What decides its cost is chosen as in the published code: float32, NCHW memory, nothing
compiled or folded, the networks in train mode (batch norm by the batch's own statistics), their
weights requiring gradients which are computed and thrown away, all taps concatenated, mean and
variance by autograd, torch's Adam, the loss read at every step.

Speeds are ratios of medians, taken in one process and in turns, so that a busy machine slows both
sides. There `keep_freed_memory` acts on both sides, since a process has one allocator; in the
processes that measure memory it acts on ours alone, and their median step is printed too.

The last line is JSON: `train_step_speedup` (plain / ours, by arm), `statistics_speedup` (the
smaller arm's), `overhead_fraction` (of a step, what is not the networks' and the generator's own
forward and backward; the larger arm's) and `memory_ratio` (ours / plain, peak of whole processes;
the larger arm's), all at `auto`; then the same in fp32, and the ratios behind them.
"""

import argparse
import json
import os
import platform
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks import memory
from benchmarks.arms import ARMS, Arm, Contenders, contenders, describe_precision, networks_alone
from benchmarks.breakdown import PARTS, REST, breakdown
from benchmarks.passes import BATCH, pass_times
from benchmarks.timing import Clock
from gfmn.common.compiling import compiler_present
from gfmn.common.devices import Work, default_device, has_bf16_units, keep_freed_memory

Figures = dict[str, dict[str, float]]  # by figure, then `auto` or a precision


def main() -> None:
    """Measure, print tables, and end with one line of JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=64, help="minibatch of a training step")
    parser.add_argument("--repeats", type=int, default=7, help="turns that are counted")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--quick", action="store_true", help="2 repeats: does it run?")
    parser.add_argument("--long", action="store_true", help="the pass's peak by number of images")
    options = parser.parse_args()
    repeats = 2 if options.quick else options.repeats
    keep_freed_memory()
    clock = Clock(default_device())
    print(header(clock.device), flush=True)
    bare = memory.measure("import").mib
    figures: dict[str, Figures] = {}
    for arm in (ARMS[name] for name in options.arms):
        contest = contenders(arm, options.batch, clock.device)
        auto = auto_precision(contest)
        print(f"\n{arm.name}: {arm.features:,} features; auto: {auto}", flush=True)
        figures[arm.name] = {
            **step_figures(contest, clock, repeats),
            **pass_figures(contest, clock, max(2, repeats // 2)),
        }
        breakdown_table(contest, clock, max(2, repeats // 3))
        del contest  # before other processes need the memory
        figures[arm.name] |= memory_figures(arm, options.batch, bare)
        if options.long:
            pass_memory_table(arm)
    print(json.dumps(summary(figures)))


def header(device: torch.device) -> str:
    """What the figures were measured on."""
    processor = platform.processor() or platform.machine()
    described = Path("/proc/cpuinfo")
    if described.exists():
        names = [line for line in described.read_text().splitlines() if "model name" in line]
        processor = names[0].partition(":")[2].strip() if names else processor
    parts = [processor, f"{torch.get_num_threads()} threads"]
    parts.append("bf16 units" if has_bf16_units(torch.device("cpu")) else "no bf16 units")
    if device.type == "cuda":
        parts.append(torch.cuda.get_device_name(device))
    parts += [f"torch {torch.__version__}", "compiled" if compiler_present() else "eager"]
    if hasattr(os, "getloadavg"):  # others on the machine spoil figures, threads above all
        parts.append(f"load before {os.getloadavg()[0]:.1f}")
    return ", ".join(parts)


def auto_precision(contest: Contenders) -> str:
    """What `auto` chose."""
    trainer = contest.ours[contest.auto]
    return describe_precision(trainer.extractor, trainer.precision)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of texts, the first of each on the left."""
    print()
    width = 2 + max(len(title), *(len(first) for first, *_ in rows))
    for first, *texts in ((title, *columns), *rows):
        print(f"  {first:<{width}}" + "".join(f"{text:>15}" for text in texts), flush=True)


def label(contest: Contenders, precision: str) -> str:
    """A precision, marked where it is the chosen one."""
    mark = " (auto)" if precision == contest.auto != "auto" else ""
    return f"{precision}{mark}"


def by_auto(contest: Contenders, values: dict[str, float]) -> dict[str, float]:
    """Figures by precision, with `auto` among them."""
    return {"auto": values[contest.auto], **values}


def step_figures(contest: Contenders, clock: Clock, repeats: int) -> Figures:
    """A training step: the reference's, ours, and our networks alone."""
    works: dict[str, Work] = {"plain": contest.plain_step}
    for name, trainer in contest.ours.items():
        works[f"{name} step"] = partial(contest.our_step, name)
        works[f"{name} networks"] = networks_alone(trainer)
    seconds = clock.in_turns(works, repeats)
    speedup, over, rows = {}, {}, [("plain", ms(seconds["plain"]), "", "", "1.00", "")]
    for name in contest.ours:
        step, alone = seconds[f"{name} step"], seconds[f"{name} networks"]
        speedup[name], over[name] = seconds["plain"] / step, step / alone
        ratios = (f"{speedup[name]:.2f}", f"{1 - alone / step:.3f}")
        rows.append((label(contest, name), ms(step), ms(alone), f"{over[name]:.2f}", *ratios))
    columns = ("step, ms", "networks, ms", "step/networks", "plain/step", "overhead")
    table("training step", columns, rows)
    return {"speedup": by_auto(contest, speedup), "over": by_auto(contest, over)}


def pass_figures(contest: Contenders, clock: Clock, repeats: int) -> Figures:
    """The statistics pass."""
    times = pass_times(contest, clock, repeats)
    plain = times[contest.auto].plain
    assert plain is not None
    speedup, over = {}, {}
    rows = [("plain", ms(plain), f"{BATCH / plain:.0f}", "", "", "1.00")]
    for name, found in times.items():
        speedup[name], over[name] = plain / found.ours, found.ours / found.forward
        rates = (f"{BATCH / found.ours:.0f}", ms(found.forward))
        ratios = (f"{over[name]:.2f}", f"{speedup[name]:.2f}")
        rows.append((label(contest, name), ms(found.ours), *rates, *ratios))
    columns = ("batch, ms", "images/s", "forward, ms", "pass/forward", "plain/pass")
    table(f"statistics pass, {BATCH} images a batch", columns, rows)
    return {"pass_speedup": by_auto(contest, speedup), "pass_over": by_auto(contest, over)}


def breakdown_table(contest: Contenders, clock: Clock, repeats: int) -> None:
    """Where a step's time goes, before (the reference) and after."""
    parts = breakdown(contest, clock, repeats)
    rows = [
        (part, *(f"{ms(found[part])} {percentage(found, part)}" for found in parts.values()))
        for part in (*PARTS, REST)
    ]
    columns = [name if name == "plain" else label(contest, name) for name in parts]
    table("parts of a step, ms and percentage", columns, rows)


def percentage(parts: dict[str, float], part: str) -> str:
    """What a part is of the whole step."""
    return f"{100 * parts[part] / sum(parts.values()):4.0f}%"


def memory_figures(arm: Arm, batch: int, bare: float) -> Figures:
    """Peak memory of a dozen steps, each case in its own process."""
    cases = ("plain", "fp32", "auto")
    peaks = {case: memory.measure(case, arm.name, batch) for case in cases}
    plain = peaks["plain"]
    rows = [
        (
            f"{case}: {peak.precision}" if case == "auto" else case,
            f"{peak.mib:.0f}",
            f"{peak.mib / plain.mib:.2f}",
            f"{peak.mib - bare:.0f}",
            f"{(peak.mib - bare) / (plain.mib - bare):.2f}",
            f"{peak.ms:.1f}",
            f"{plain.ms / peak.ms:.2f}",
        )
        for case, peak in peaks.items()
    ]
    columns = ("peak, MiB", "/ plain", "over torch's", "/ plain", "step, ms", "plain/step")
    table(f"a process of its own (import torch: {bare:.0f} MiB)", columns, rows)
    return {"memory": {case: peaks[case].mib / plain.mib for case in ("auto", "fp32")}}


def pass_memory_table(arm: Arm) -> None:
    """The pass's peak does not grow with the number of images."""
    peaks = {count: memory.measure("pass", arm.name, count) for count in memory.PASS_LENGTHS}
    rows = [(f"{count} images", f"{peak.mib:.0f}") for count, peak in peaks.items()]
    table("statistics pass in a process of its own", ("peak, MiB",), rows)


def ms(seconds: float) -> str:
    """Milliseconds."""
    return f"{seconds * 1e3:.1f}"


def summary(figures: dict[str, Figures]) -> dict[str, Any]:
    """The last line: `auto` first, then fp32, then the ratios by arm and precision."""

    def headline(precision: str) -> dict[str, Any]:
        def of(figure: str) -> dict[str, float]:
            return {arm: found[figure][precision] for arm, found in figures.items()}

        return {
            "train_step_speedup": of("speedup"),
            "statistics_speedup": min(of("pass_speedup").values()),
            "overhead_fraction": max(1 - 1 / over for over in of("over").values()),
            "memory_ratio": max(of("memory").values()),
        }

    by_arm = {
        name: {arm: found[figure] for arm, found in figures.items()}
        for name, figure in (
            ("step_over_networks", "over"),
            ("statistics_over_forward", "pass_over"),
            ("memory_ratios", "memory"),
        )
    }
    rounded: dict[str, Any] = json.loads(
        json.dumps({**headline("auto"), "fp32": headline("fp32"), **by_arm}),
        parse_float=lambda text: round(float(text), 3),
    )
    return rounded


if __name__ == "__main__":
    main()
