"""Statistics of shards by number of images: `python -m benchmarks.shards > docs/shards.tsv`.

Each row is a process of its own that measures so many 32 px images with a small network, with a
covariance and landmarks: the first from one array of the fewest images, by the ordinary pass, the
others in shards of 50,000. Array and shards are memory-mapped; to spare the disk all shards map the
same file, so the mean that comes out is known, and is checked. Seconds are the processor's, since a
busy machine has others to do; `ratio` is seconds an image, over those of the first row; `mib` is
the peak of the resident memory, in which the array's own mapped pages count.
On standard error: the slope of log seconds over log images of shards, 1 where time is linear, and
the memory of the most images over that of the fewest.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import gfmn
from benchmarks.memory import peak_mib
from gfmn.datasets.prepared import PreparedDataset, Writer, read
from gfmn.features.statistics import Statistics, StatisticsConfig
from gfmn.shards import measure, whole
from gfmn.shards.dataset import Shard, ShardedDataset, images_digest, joint_digest

EACH = 50_000  # images of a shard
SIDE = 32
ROW: dict[str, Any] = {"dataset": "d", "extractor": "e", "batch": 1000, "covariance": {}}
ROW |= {"landmarks": {"count": 2000, "landmarks": 64}}  # which take no time to fit
COLUMNS = ("images", "shards", "seconds", "images_per_second", "ratio", "mib")


@dataclass(frozen=True)
class Synthetic(Shard):
    """A shard whose digest is made up: its images are those of all others."""

    def verified(self) -> PreparedDataset:
        """Hashed as any shard, and compared with nothing."""
        data = self.open()
        images_digest(data.images)
        return data


def main() -> None:
    """Print the table, or measure one row of it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=10_000_000, help="of the last row")
    parser.add_argument("--row", type=int, help="measure so many in shards, and print JSON")
    parser.add_argument("--array", type=int, help="the same, from one array")
    options = parser.parse_args()
    if options.row or options.array:
        print(json.dumps(row(options.row or options.array, bool(options.array))))
        return
    print(*COLUMNS, sep="\t")
    fewest = options.images // 16
    found = [measured("--array", fewest)]
    found += [measured("--row", options.images // part, found[0]) for part in (16, 8, 4, 2, 1)]
    x, y = (np.log([one[key] for one in found[1:]]) for key in ("images", "seconds"))
    slope, memory = np.polyfit(x, y, 1)[0], found[-1]["mib"] / found[1]["mib"]
    print(f"slope {slope:.3f}, memory x {memory:.3f}", file=sys.stderr)


def measured(option: str, count: int, base: dict[str, float] | None = None) -> dict[str, float]:
    """One row, printed, from a process of its own; `base`: the row that it is compared with."""
    command = [sys.executable, "-m", "benchmarks.shards", option, str(count)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    found["ratio"] = (base or found)["images_per_second"] / found["images_per_second"]
    print(*(f"{found[key]:.6g}" for key in COLUMNS), sep="\t", flush=True)
    return found


def row(count: int, array: bool) -> dict[str, float]:
    """One row by the names of its columns but the ratio; images are a multiple of a shard's."""
    network, config = gfmn.network(small_network(), SIDE), StatisticsConfig.parse(ROW, "row")
    shards = math.ceil(count / EACH)
    with tempfile.TemporaryDirectory(prefix="gfmn-") as scratch:
        folder = Path(scratch)
        os.environ["GFMN_SCRATCH"] = scratch
        one = write(folder / "one", 1)
        alone = whole.measure("one shard", one, network, config, "row")[0]  # and compiles
        if array:
            every = write(folder / "every", shards)
            seconds, found = timed(lambda: whole.measure("array", every, network, config, "row")[0])
        else:
            data = sharded(folder / "one", shards)
            seconds, found = timed(
                lambda: measure.measure("shards", data, network, config, "row")[0]
            )
    for tap, mean in alone.mean.items():
        torch.testing.assert_close(found.mean[tap], mean, rtol=1e-6, atol=1e-7)
    total = shards * EACH
    values = (total, 0 if array else shards, seconds, total / seconds, 1.0, peak_mib())
    return dict(zip(COLUMNS, values, strict=True))


def write(folder: Path, times: int) -> PreparedDataset:
    """A prepared data set of one shard's random images so many times."""
    with Writer(folder, SIDE) as writer:
        for _ in range(times):
            rng = np.random.default_rng(0)
            for _ in range(0, EACH, 1000):
                writer.add(rng.integers(0, 256, (1000, SIDE, SIDE, 3), np.uint8), None)
        writer.finish({"name": "d"})
    return read(folder)


def timed(work: Callable[[], Statistics]) -> tuple[float, Statistics]:
    """Seconds of the processor, of all threads, and what came out."""
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def sharded(folder: Path, shards: int) -> ShardedDataset:
    """A data set of so many shards of one folder's images."""
    digests = [f"{number:064x}" for number in range(shards)]
    parts = tuple(Synthetic(f"{d:.8}.tar", EACH, d, folder) for d in digests)
    metadata: dict[str, Any] = {"name": "d", "count": EACH * shards, "image_size": SIDE}
    return ShardedDataset(parts, metadata | {"digest": joint_digest(digests)}, folder)


def small_network() -> nn.Module:
    """Three convolutions with taps of 2,048, 512 and 128 features."""
    torch.manual_seed(0)
    sizes = ((3, 32, 4), (32, 32, 2), (32, 32, 2))
    layers = [(nn.Conv2d(i, o, s, s), nn.ReLU()) for i, o, s in sizes]
    return nn.Sequential(*(layer for pair in layers for layer in pair))


if __name__ == "__main__":
    main()
