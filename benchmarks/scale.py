"""The model of an update's costs against three measured points: `python -m benchmarks.scale`.

VGG16 in eval mode with random weights, moments with `gaussian_kl` and `mmd`, the generator of 32 px
images. The constants are of batches 16 and 64 at 32 px, one process of one thread. The points: a
larger batch, larger images, and the batch divided between two processes. A row a point: predicted
and measured seconds and MiB, and measured over predicted seconds.
"""

import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import torch

from gfmn.common.devices import keep_freed_memory, peak_memory
from gfmn.features.extractor import load_extractor
from gfmn.features.statistics import Statistics, StatisticsConfig
from gfmn.networks import describe
from gfmn.runtime.distributed import launch, under_torchrun, world
from gfmn.study import measure, scale
from gfmn.study.measure import Data
from gfmn.study.networks import Network
from gfmn.training.config import TrainingConfig
from gfmn.training.trainer import Inputs, Trainer

SIZE = 32


class Point(NamedTuple):
    """What is measured."""

    name: str
    batch: int
    size: int
    processes: int = 1


POINTS = (
    Point("batch 256", 256, SIZE),
    Point("64 px", 32, 64),
    Point("two processes", 128, SIZE, 2),
)


def config(batch: int, processes: int = 1) -> TrainingConfig:
    """The run."""
    row = {"dataset": "d", "extractor": "vgg16", "steps": 100, "batch": batch}
    row |= {"objective": "moment_matching", "added": {"gaussian_kl": 2.0, "mmd": 2.0}}
    row |= {"ema": 0.99, "processes": processes, "precision": sys.argv[-1]}
    return TrainingConfig.parse(row, "benchmark").each()[0]


def inputs(folder: Path, size: int) -> tuple[Path, Statistics]:
    """The network's file, and statistics of random images; a small batch takes little memory."""
    network = folder / "vgg16.safetensors"
    if not network.exists():
        measure.write_networks(network, {"vgg16": Network("vgg16", describe("vgg16"))})
    row = {"dataset": "d", "extractor": "vgg16", "covariance": {}, "landmarks": {}, "batch": 4}
    asked = StatisticsConfig.parse(row | {"precision": sys.argv[-1]}, "benchmark")
    return network, measure.extracting(asked, network, Data(1000, size, 0))[1]


def train(folder: Path, batch: int, size: int, processes: int) -> tuple[float, int]:
    """Seconds of an update of this process, one of those, and its largest memory."""
    torch.set_num_threads(1)
    keep_freed_memory()
    network, real = inputs(folder, size)
    run = config(batch, processes)
    with world() as joined:
        extractor = load_extractor(network, size, precision=run.precision, world=joined)
        trainer = Trainer(run, Inputs(extractor, real), joined)
        taken = scale.update_seconds(trainer)
        if joined.is_main and processes > 1:
            (folder / "found").write_text(f"{taken} {peak_memory()}")
    return taken, peak_memory()


def fit(folder: Path) -> scale.Costs:
    """The constants, in a process of its own."""
    torch.set_num_threads(1)
    keep_freed_memory()
    network, real = inputs(folder, SIZE)
    return scale.fit(config(64), network, SIZE, real)


def main(folder: Path, precision: str) -> None:
    """Print the table."""
    inputs(folder, SIZE)

    def apart(*work: object) -> object:
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            return pool.submit(*work).result()  # type: ignore[arg-type]

    costs = apart(fit, folder)
    assert isinstance(costs, scale.Costs)
    print(f"# {costs}, {precision}")
    print("point", "predicted_s", "measured_s", "ratio", "predicted_mib", "measured_mib", sep="\t")
    for point in POINTS:
        case = (folder, point.batch, point.size, point.processes)
        if point.processes == 1:
            taken, memory = apart(train, *case)  # type: ignore[misc]
        else:
            words = [*map(str, case), precision]
            if launch(point.processes, __file__, *words):
                sys.exit("a process failed")
            taken, memory = map(float, (folder / "found").read_text().split())
        expected = costs.seconds(point.batch, point.processes, point.size)
        expected_mib = costs.memory(point.batch, point.processes, point.size) / 2**20
        numbers = (expected, taken, taken / expected, expected_mib, memory / 2**20)
        print(point.name, *(f"{number:.4g}" for number in numbers), sep="\t", flush=True)


if __name__ == "__main__":
    if under_torchrun():
        train(Path(sys.argv[1]), *map(int, sys.argv[2:5]))
    else:
        if sys.argv[-1] not in ("fp32", "bf16"):
            sys.argv.append("fp32")
        with tempfile.TemporaryDirectory() as name:
            main(Path(name), sys.argv[-1])
