"""train@<run>: a generator, from statistics and noise alone."""

import paths
import runner

from gfmn import statistics, training
from gfmn.devices import default_device
from gfmn.extractors import load_extractor


def main(name: str) -> None:
    watch = runner.Stopwatch()
    row, where = runner.section("runs", name)
    config = training.TrainingConfig.parse(runner.without(row, "evaluator", "sample"), where)
    path = paths.statistics(config.dataset, config.extractor)
    real = statistics.load(path)
    image_size = real.about["image_size"]
    extractor = load_extractor(
        paths.extractor(config.extractor),
        image_size,
        config.taps,
        config.precision,
        default_device(),
    )
    statistics.verify(real, path, extractor, config.dataset)
    folder = paths.model(name)
    rate = training.train(config, name, extractor, real, image_size, folder, paths.history(name))
    watch.write(paths.timing(f"train-{name}"), steps_per_second=round(rate, 2))


if __name__ == "__main__":
    runner.run(main)
