"""Time the statistics pass and the training step against the plain implementation.

    python -m benchmarks [--batch 64] [--repeats 7]

VGG16's layers with random weights at 32 px, its 13 taps, the DCGAN generator and the ADAM moving
average: the same work for both. Prints a table and one line of JSON. Ratios are of medians, taken
in one process and in turns, so that a busy machine slows both sides alike.
"""

import argparse
import json
import platform
import statistics as stats
import time
from collections.abc import Callable

import torch

from benchmarks import plain
from gfmn import generators
from gfmn.compiling import compiler_present
from gfmn.devices import resolve_precision
from gfmn.extractors import Extractor, select_taps
from gfmn.images import signed_to_unit
from gfmn.moments import Layout, MergedMoments, batch_moments
from gfmn.networks import build
from gfmn.statistics import Statistics
from gfmn.training import Trainer, TrainingConfig

Work = Callable[[], object]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    best = resolve_precision("auto", dense=True)
    processor = f"{torch.get_num_threads()} threads, {platform.machine()}"
    print(f"torch {torch.__version__}, {processor}, best precision {best}", end="")
    print(f", {'compiled' if compiler_present() else 'eager'} reductions")
    rows = statistics_rows(best, options.repeats) | step_rows(best, options.batch, options.repeats)
    print(f"\n{'work':<52}{'ms':>9}{'ratio':>8}")
    for name, (seconds, ratio) in rows.items():
        print(f"{name:<52}{seconds * 1e3:9.1f}{ratio:8.2f}")
    print(json.dumps({name: round(ratio, 3) for name, (_, ratio) in rows.items()}))


def extractor(precision: str) -> Extractor:
    """VGG16 with random weights and all of its taps."""
    torch.manual_seed(0)
    network = build("vgg16")
    selection = select_taps({"vgg16": network.tap_names}, "all", "benchmark")
    return Extractor({"vgg16": network}, selection, 32, {"vgg16": precision}, "")


def in_turns(works: dict[str, Work], repeats: int) -> dict[str, float]:
    """Median seconds of each piece of work, called in turns after two warm-up rounds."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(repeats + 2):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            if turn >= 2:
                times[name].append(time.perf_counter() - start)
    return {name: stats.median(values) for name, values in times.items()}


def statistics_rows(best: str, repeats: int) -> dict[str, tuple[float, float]]:
    """Forward pass alone, ours with moments, and all taps concatenated; 256 images."""
    images = torch.rand(256, 3, 32, 32)
    rows: dict[str, tuple[float, float]] = {}
    for precision in dict.fromkeys(("fp32", best)):
        network = extractor(precision)
        layout = Layout(tuple(tap.shape for tap in network.taps))
        merged, shift = MergedMoments(layout.features), torch.zeros(layout.features)

        def forward(network: Extractor = network) -> None:
            network(images)

        def ours(
            network: Extractor = network,
            layout: Layout = layout,
            merged: MergedMoments = merged,
            shift: torch.Tensor = shift,
        ) -> None:
            merged.update(batch_moments(network(images), shift, layout), shift, len(images))

        def concatenated(network: Extractor = network) -> None:
            features = plain.concatenate(network(images))
            features.sum(0), features.square().sum(0)

        with torch.no_grad():
            works: dict[str, Work] = {"forward": forward, "ours": ours, "plain": concatenated}
            seconds = in_turns(works, repeats)
        base = seconds["forward"]
        rows[f"statistics {precision}: forward alone"] = (base, 1.0)
        rows[f"statistics {precision}: ours / forward"] = (seconds["ours"], seconds["ours"] / base)
        eager = (seconds["plain"], seconds["plain"] / base)
        rows[f"statistics {precision}: concatenated, eager / forward"] = eager
    return rows


def step_rows(best: str, batch: int, repeats: int) -> dict[str, tuple[float, float]]:
    """One training step: plain in float32, ours in float32 and in the best precision."""
    works: dict[str, Work] = {"plain": plain_step(batch)}
    for precision in dict.fromkeys(("fp32", best)):
        works[precision] = our_step(precision, batch)
    seconds = in_turns(works, repeats)
    base = seconds.pop("plain")
    rows = {"step: plain fp32, concatenated, eager": (base, 1.0)}
    for precision, value in seconds.items():
        rows[f"step: plain / ours {precision}"] = (value, base / value)
    return rows


def plain_step(batch: int) -> Work:
    """The paper's step as one would write it first: networks unfrozen, everything eager."""
    network = extractor("fp32").to(memory_format=torch.contiguous_format)
    network.requires_grad_(True)  # as the published code leaves them
    generator = generators.build("dcgan", 32, 100).to(memory_format=torch.contiguous_format)
    optimiser = torch.optim.Adam(generator.parameters(), lr=1e-4, betas=(0.5, 0.999))
    features = sum(torch.Size(tap.shape).numel() for tap in network.taps)
    loss = plain.AdamMovingAverage(torch.zeros(features), torch.ones(features), 5e-5)

    def step() -> None:
        images = generator(torch.randn(batch, 100))
        value = loss(plain.concatenate(network(signed_to_unit(images))))
        optimiser.zero_grad()
        network.zero_grad()
        value.backward()
        optimiser.step()

    return step


def our_step(precision: str, batch: int) -> Work:
    """The library's step."""
    network = extractor(precision)
    mean = {tap.name: torch.zeros(tap.shape) for tap in network.taps}
    variance = {tap.name: torch.ones(tap.shape) for tap in network.taps}
    fields = {"dataset": "", "extractor": "", "steps": 1_000_000}
    config = TrainingConfig.parse({**fields, "batch": batch, "precision": precision}, "benchmark")
    trainer = Trainer(config, network, Statistics({}, mean, variance), 32)
    steps = iter(range(config.steps))
    return lambda: trainer.step(next(steps))


if __name__ == "__main__":
    main()
