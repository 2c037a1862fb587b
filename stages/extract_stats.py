"""extract-stats@<dataset>-<extractor>-<batchnorm>: every tap's real moments."""

from functools import partial

import checkout  # noqa: F401

from gfmn.common import paths, stage
from gfmn.common.devices import keep_freed_memory
from gfmn.datasets import prepared
from gfmn.features import statistics
from gfmn.features.extractor import load_extractor
from gfmn.runtime import processes
from gfmn.runtime.distributed import World
from gfmn.shards import dataset, measure, whole


def main(name: str) -> None:
    row, where = stage.section("statistics", name)
    config = statistics.StatisticsConfig.parse(row, where)
    keep_freed_memory()
    processes.join(config.processes, where, partial(extract, name, where, config), __file__, name)


def extract(name: str, where: str, config: statistics.StatisticsConfig, world: World) -> None:
    watch, folder = stage.Stopwatch(), paths.prepared(config.dataset)
    data = dataset.read(folder) if dataset.is_sharded(folder) else prepared.read(folder)
    extractor = load_extractor(
        paths.extractor(config.extractor),
        data.metadata["image_size"],
        precision=config.precision,
        world=world,
        batchnorm=config.batchnorm,
    )
    title = f"extract-stats {name}"
    if isinstance(data, dataset.ShardedDataset):
        found, rate = measure.measure(title, data, extractor, config, where, world)
    else:
        found, rate = whole.measure(title, data, extractor, config, where, world)
    if not world.is_main:
        return
    path = paths.statistics(config.dataset, config.extractor, config.batchnorm)
    statistics.save(found, path)
    watch.write(paths.timing(f"extract-stats-{name}"), images_per_second=round(rate, 1))
    print(f"{name}: {found.metadata['features']} features of {found.metadata['count']} images")


if __name__ == "__main__":
    stage.run(main, locks=False)  # `processes.join` does
