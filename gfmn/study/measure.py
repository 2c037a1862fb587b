"""What the parts of a study take on this machine: each is tried with random weights and images.

Time and memory do not depend on the values, so nothing has to be fetched or prepared before.
"""

import itertools
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from gfmn import generators
from gfmn.baselines import BaselineConfig
from gfmn.common.devices import default_device
from gfmn.common.progress import Progress
from gfmn.datasets.prepared import PreparedDataset
from gfmn.features import statistics
from gfmn.features.copies import Copies
from gfmn.features.extractor import load_extractor
from gfmn.features.groups import new_groups
from gfmn.features.groups.base import Classes
from gfmn.features.statistics import Statistics, StatisticsConfig
from gfmn.generators.sampling import fixed_grid, images_of
from gfmn.metrics.config import MetricsConfig
from gfmn.metrics.evaluation import compare, describe_real
from gfmn.metrics.evaluator import BATCH, Evaluator, Features, load_evaluator
from gfmn.networks import build
from gfmn.networks.extractor_file import NetworkRecord, save_extractor
from gfmn.pretraining import PretrainingConfig
from gfmn.runtime.distributed import ALONE
from gfmn.sources import GeneratedSource, ImageSource, Source
from gfmn.sources.decode import decode
from gfmn.study.networks import Network
from gfmn.training.config import TrainingConfig
from gfmn.training.trainer import Inputs, Trainer

WARM_UP, TIMED = 3, 5  # updates
DECODED = 32  # images
DIRECTIONS = 32  # in which random features vary: near and far from each other, as real ones are
SCORED = (10_000, 5_000)  # real images and samples; more are extrapolated


class Data(NamedTuple):
    """A data set, as far as that is known before it is prepared."""

    images: int
    size: int  # pixels
    classes: int  # 0: none
    known: bool = True  # False: `images` is a guess


class Speed(NamedTuple):
    """What the fastest update takes, and `setup` what comes before the first of a run."""

    setup: float
    seconds: float
    share: float  # of the threads' time that this process had: less where others disturb it
    model: int  # bytes of a generator
    checkpoint: int


class Scoring(NamedTuple):
    """What scores in one space take."""

    image: float  # seconds of an image's features
    describe: float  # seconds of the real images' reference, without their features
    compare: float  # seconds of one seed's scores, without its features
    width: int


def seconds(work: Callable[[], object]) -> float:
    """Of one call; a GPU is waited for."""
    start = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def fastest(work: Callable[[], object], calls: int = TIMED) -> float:
    """Seconds of the fastest of some calls: the one that other programs disturbed least."""
    return min(seconds(work) for _ in range(calls))


def write_networks(path: Path, networks: Mapping[str, Network]) -> Path:
    """An extractor file of these networks with random weights that keep signals alive."""
    records = []
    for name, one in networks.items():
        network = build(one.architecture, **one.arguments)
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
        state = network.state_dict()
        shape = (one.arguments, one.trained_size)
        records.append(NetworkRecord(name, one.architecture, state, {}, *shape))
    save_extractor(path, records)
    return path


def random_images(count: int, size: int) -> np.ndarray:
    """N x S x S x 3 uint8, 4 x 4 patches: near and far from each other, as images are."""
    patches = np.random.default_rng(0).integers(0, 256, (count, 4, 4, 3), np.uint8)
    side = -(-size // 4)
    return patches.repeat(side, 1).repeat(side, 2)[:, :size, :size]


def preparing(config: Source, where: str, count: int) -> float:
    """Seconds to prepare `count` images, from the first few; 0 where they are yet to be fetched."""
    if isinstance(config, GeneratedSource):
        chunks: list[Any] = []
        taken = seconds(lambda: chunks.append(next(config.chunks())))
        return taken / len(chunks[0][0]) * count
    assert isinstance(config, ImageSource)
    raws = [item.raw for item in itertools.islice(config.open(where).items, DECODED)]
    taken = seconds(lambda: decode(raws, config.image_size, config.crop))
    return taken / len(raws) * count / max(1, config.workers)


def extracting(config: StatisticsConfig, path: Path, data: Data) -> tuple[float, Statistics]:
    """Seconds to measure all of a data set's images, and statistics of the right shapes."""
    start = time.perf_counter()
    extractor = load_extractor(
        path, data.size, precision=config.precision, batchnorm=config.batchnorm
    )
    few = random_images(config.batch, data.size)
    images: np.ndarray | Copies = Copies(few, config.copies) if config.copies else few
    total = data.images * len(images) // len(few)
    labels = np.arange(len(few)) % (data.classes or 10) if config.class_weight else None
    facts = None if labels is None else statistics.class_facts(config, labels, None, "statistics")
    groups = new_groups(config, max(total, len(images)), Classes.of(facts))
    silent = Progress("", len(images), "images", silent=True)
    shuffle = config.batchnorm == "batch"
    work = partial(statistics.extract, images, extractor, config.batch, silent, ALONE, shuffle)
    work()
    setup = time.perf_counter() - start
    moments: list[Any] = []
    taken = fastest(lambda: moments.append(work(groups, labels)), 2)
    (mean, variance), results = moments[0], dict[str, Any]()
    fitting = seconds(
        lambda: results.update({name: group.result(ALONE) for name, group in groups.items()})
    )
    # One batch goes through the networks twice.
    per_image = taken / (len(images) + min(config.batch, len(images)))
    seconds_in_all = max(0.0, setup - taken) + per_image * total + fitting
    return seconds_in_all, Statistics({"classes": facts}, mean, variance, results)


def updating(config: TrainingConfig, path: Path, size: int, real: Statistics) -> Speed:
    """A few updates, with what a run logs and draws every few of them."""
    start = time.perf_counter()
    extractor = load_extractor(
        path, size, config.taps, config.precision, batchnorm=config.batchnorm
    )
    trainer = Trainer(config, Inputs(extractor, real))
    monitor = trainer.objective.monitor

    def log() -> None:
        monitor.loss()
        monitor.gap()
        trainer.finite()

    def draw() -> None:
        fixed_grid(trainer.result, config.latent, trainer.seed)

    for step in range(WARM_UP):
        trainer.step(step)
    log()
    setup = time.perf_counter() - start
    begun, used = time.perf_counter(), time.process_time()
    times = [seconds(partial(trainer.step, WARM_UP + step)) for step in range(TIMED)]
    used, begun = time.process_time() - used, time.perf_counter() - begun
    share = 1.0 if torch.cuda.is_available() else used / begun / torch.get_num_threads()
    now_and_then = fastest(log, 2) / config.log_every + fastest(draw, 2) / config.grid_every
    average = min(times) + now_and_then
    sizes = [
        sum(tensor.numel() * tensor.element_size() for tensor in state.values())
        for state in (trainer.result.state_dict(), trainer.state())
    ]
    return Speed(max(0.0, setup - WARM_UP * average), average, min(1.0, share), *sizes)


def pretraining(config: PretrainingConfig, name: str, data: Data) -> float:
    """Seconds of all steps."""
    metadata = {"image_size": data.size, "digest": "", "labels": False}
    images = random_images(max(config.batch, min(data.images, 1000)), data.size)
    task = config.build(name, PreparedDataset(images, metadata))
    for step in range(2):
        task.step(step)
    return min(seconds(partial(task.step, step)) for step in range(2, 5)) * task.steps


def sampling(
    config: TrainingConfig | BaselineConfig, size: int, frequencies: tuple[float, ...]
) -> float:
    """Seconds of an image."""
    network = generators.build(config.generator, size, config.latent, frequencies)
    network.to(default_device())
    z = torch.randn(128, config.latent)
    list(images_of(network, z, "running"))
    return fastest(lambda: list(images_of(network, z, "running")), 3) / len(z)


class _Imagined(Evaluator):
    """Features are random, and take no time: what is left is the scores'."""

    def __init__(self, real: Evaluator, width: int) -> None:
        self.network, self.space, self.trained_on = real.network, real.space, real.trained_on
        self.name, self.architecture, self.digest = real.name, real.architecture, real.digest
        self.resizer, self.width = real.resizer, width

    def features(
        self, images: np.ndarray, folder: Path | None = None, batch: int | None = None
    ) -> Features:
        rng = np.random.default_rng(len(images))
        few = rng.standard_normal((len(images), DIRECTIONS), np.float32)
        directions = np.random.default_rng(0).standard_normal((DIRECTIONS, self.width), np.float32)
        noise = 0.1 * rng.standard_normal((len(images), self.width), np.float32)
        return Features(few @ directions + noise, None)


def scoring(path: Path, data: Data, samples: int, config: MetricsConfig, folder: Path) -> Scoring:
    """What the features of images take, and their scores."""
    evaluator = load_evaluator(path)
    batch = random_images(BATCH[default_device().type], data.size)
    width = evaluator.features(batch).pooled.shape[1]
    image = fastest(lambda: evaluator.features(batch), 3) / len(batch)
    imagined = _Imagined(evaluator, width)
    real_count, count = min(data.images, SCORED[0]), min(samples, SCORED[1])
    images = random_images(max(real_count, count), data.size)
    real = PreparedDataset(images[:real_count], {})
    described: list[Any] = []
    describe = seconds(
        lambda: described.append(describe_real(real, None, imagined, config, folder / "a"))
    )
    work = partial(compare, images[:count], real, described[0][0], imagined, config, folder / "b")
    more = data.images * samples / (real_count * count)
    return Scoring(image, describe * data.images / real_count, seconds(work) * more, width)
