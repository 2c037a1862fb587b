"""extract-stats@<dataset>-<extractor>: mean and variance of every tap over the real images."""

import paths
import runner

from gfmn import prepared, statistics
from gfmn.devices import default_device
from gfmn.extractors import load_extractor
from gfmn.progress import Progress


def main(name: str) -> None:
    watch = runner.Stopwatch()
    config = statistics.StatisticsConfig.parse(*runner.section("statistics", name))
    data = prepared.read(paths.prepared(config.dataset))
    extractor = load_extractor(
        paths.extractor(config.extractor),
        data.meta["image_size"],
        precision=config.precision,
        device=default_device(),
    )
    with Progress(f"extract-stats {name}", len(data.images), "images") as progress:
        mean, variance = statistics.extract(data.images, extractor, config.batch, progress)
    about = statistics.describe(config, data.meta, extractor)
    path = paths.statistics(config.dataset, config.extractor)
    statistics.save(statistics.Statistics(about, mean, variance), path)
    rate = round(progress.rate, 1)
    watch.write(paths.timing(f"extract-stats-{name}"), images_per_second=rate)
    print(f"{name}: {about['features']} features of {about['count']} images")


if __name__ == "__main__":
    runner.run(main)
