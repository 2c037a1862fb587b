"""train-baseline@<baseline>: a generator for each seed, by another method and from real images."""

import checkout  # noqa: F401

from gfmn import baselines
from gfmn.baselines.seeds import train_baseline
from gfmn.common import stage
from gfmn.common.devices import keep_freed_memory


def main(name: str) -> None:
    config = baselines.parse(*stage.run_parameters(name, "baselines"))
    keep_freed_memory()
    train_baseline(name, config)


if __name__ == "__main__":
    stage.run(main)
