"""extract-stats@<dataset>-<extractor>-<batchnorm>: every tap's real moments."""

from functools import partial

import checkout  # noqa: F401

from gfmn.common import paths, stage
from gfmn.common.devices import keep_freed_memory
from gfmn.common.progress import Progress
from gfmn.datasets import prepared
from gfmn.features import statistics
from gfmn.features.copies import Copies
from gfmn.features.extractor import load_extractor
from gfmn.features.groups import new_groups
from gfmn.features.groups.base import Classes
from gfmn.runtime import processes
from gfmn.runtime.distributed import World


def main(name: str) -> None:
    row, where = stage.section("statistics", name)
    config = statistics.StatisticsConfig.parse(row, where)
    keep_freed_memory()
    processes.join(config.processes, where, partial(extract, name, where, config), __file__, name)


def extract(name: str, where: str, config: statistics.StatisticsConfig, world: World) -> None:
    watch = stage.Stopwatch()
    data = prepared.read(paths.prepared(config.dataset))
    extractor = load_extractor(
        paths.extractor(config.extractor),
        data.metadata["image_size"],
        precision=config.precision,
        world=world,
        batchnorm=config.batchnorm,
    )
    images = Copies(data.images, config.copies) if config.copies else data.images
    classes = statistics.class_facts(config, data.labels, data.metadata.get("classes"), where)
    labels, shuffle = data.labels if classes else None, config.batchnorm == "batch"
    groups, title = new_groups(config, len(images), Classes.of(classes)), f"extract-stats {name}"
    with Progress(title, len(images), "images", silent=not world.is_main) as progress:
        mean, variance = statistics.extract(
            images, extractor, config.batch, progress, world, shuffle, groups, labels
        )
    results = {name: group.result(world) for name, group in groups.items()}
    if not world.is_main:
        return
    metadata = statistics.describe(config, data.metadata, extractor, groups, classes)
    path = paths.statistics(config.dataset, config.extractor, config.batchnorm)
    statistics.save(statistics.Statistics(metadata, mean, variance, results), path)
    rate = round(progress.rate, 1)
    watch.write(paths.timing(f"extract-stats-{name}"), images_per_second=rate)
    print(f"{name}: {metadata['features']} features of {metadata['count']} images")


if __name__ == "__main__":
    stage.run(main, locks=False)  # `processes.join` does
