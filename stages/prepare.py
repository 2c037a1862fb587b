"""prepare@<dataset>: a data set's images as one memory-mapped array."""

import runner
from paths import prepared

from gfmn import datasets


def main(name: str) -> None:
    config = datasets.parse(*runner.section("datasets", name))
    datasets.prepare(config, name, prepared(name))
    print(f"{name}: {config.count} images of {config.image_size} px")


if __name__ == "__main__":
    runner.run(main)
