"""Statistics of a data set in shards: one shard at a time, resumed at a shard, by processes."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from gfmn.common import paths
from gfmn.common.errors import InputError
from gfmn.common.progress import Progress
from gfmn.features import statistics
from gfmn.features.copies import Copies
from gfmn.features.extractor import Extractor
from gfmn.features.statistics import Statistics, StatisticsConfig
from gfmn.runtime.checkpoints import Checkpoints, code_digest, fingerprint
from gfmn.runtime.distributed import ALONE, World
from gfmn.shards.collector import Collector
from gfmn.shards.dataset import Shard, ShardedDataset
from gfmn.shards.results import Facts, file_of
from gfmn.shards.state import State


def measure(
    title: str,
    data: ShardedDataset,
    extractor: Extractor,
    config: StatisticsConfig,
    where: str,
    world: World = ALONE,
) -> tuple[Statistics, float]:
    """What `file_of` says of all shards, the same on every rank; images a second of all ranks.

    Each rank takes every `world.size`-th shard. Stopped, the same call resumes after the last shard
    that was done; checkpoints are named after `title`. `where`: the parameters, which begin an
    `InputError`; one is also raised for a shard that is missing or has changed.
    """
    data.check()
    counts = class_counts(config, data, where)
    own = data.shards[world.rank :: world.size]
    checkpoints = Checkpoints(
        paths.scratch(),
        f"{title.replace(' ', '-')}-{world.rank}",
        _fingerprint(data, extractor, config, world),
    )
    found = checkpoints.latest(len(own))
    place = (found.tensors, str(found.path)) if found else ()
    state = State(config, extractor.taps, len(counts), *place)
    done = own[: found.step] if found else ()
    times = config.copies.count if config.copies else 1
    total = times * sum(shard.count for shard in own)
    with Progress(title, total, "images", silent=not world.is_main) as progress:
        progress.skip(times * sum(shard.count for shard in done))
        for number, shard in enumerate(own[len(done) :], len(done) + 1):
            add(state, shard, extractor, config, len(counts), progress)
            checkpoints.save(number, state.tensors(), {"shards": number})
    state.merge_over(world)
    result = file_of(state, Facts.of(data, extractor, config, counts))
    world.barrier()  # else a rank's part could be lost with another rank
    checkpoints.remove()
    return result, world.size * progress.rate


def add(
    state: State,
    shard: Shard,
    extractor: Extractor,
    config: StatisticsConfig,
    classes: int,
    progress: Progress,
) -> None:
    """Measure one shard, of which nothing is kept, and add it to a state."""
    data = shard.verified()
    images = Copies(data.images, config.copies) if config.copies else data.images
    count = len(images)
    one_hot = None
    if classes:
        one_hot = torch.eye(classes)[torch.from_numpy(np.array(data.labels))]
    collector = Collector(state, shard.digest, count, one_hot)
    groups = {"shard": collector} if state.draws or collector.covariance else None
    shuffle = config.batchnorm == "batch"
    try:
        mean, variance = statistics.extract(
            images, extractor, config.batch, progress, ALONE, shuffle, groups
        )
        for tap in mean:
            first, square = mean[tap].double(), variance[tap].double()
            state.sums[f"first/{tap}"].add(count * first)
            state.sums[f"second/{tap}"].add((count - 1) * square + count * first.square())
        collector.finish()
    except InputError as error:
        raise InputError(f"{shard.folder} ({shard.name}): {error}") from None


def class_counts(config: StatisticsConfig, data: ShardedDataset, where: str) -> list[int]:
    """Images of each class, where classes are among what is measured; else none.

    Raises `InputError` where there are no labels.
    """
    if not config.class_weight:
        return []
    if not data.metadata.get("labels"):
        statistics.class_facts(config, None, None, where)  # raises
    names = data.metadata.get("classes") or ()
    counts = np.zeros(len(names), int)
    for shard in data.shards:
        labels = shard.open().labels
        assert labels is not None
        found = np.bincount(labels)
        counts, found = (
            np.pad(c, (0, max(len(found), len(counts)) - len(c))) for c in (counts, found)
        )
        counts = counts + found
    return [int(count) for count in counts]


def _fingerprint(
    data: ShardedDataset, extractor: Extractor, config: StatisticsConfig, world: World
) -> str:
    facts: Mapping[str, Any] = {
        "parameters": config.model_dump(mode="json"),
        "shards": [shard.digest for shard in data.shards],
        "extractor": [extractor.digest, extractor.precision],
        "processes": world.size,
        "code": code_digest(),
        "torch": torch.__version__,
    }
    return fingerprint(facts)
