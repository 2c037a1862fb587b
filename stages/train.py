"""train@<run>: a generator for each seed, from statistics and noise alone."""

from functools import partial

import checkout  # noqa: F401

from gfmn.common import stage
from gfmn.common.devices import keep_freed_memory
from gfmn.runtime import processes
from gfmn.training.config import TrainingConfig
from gfmn.training.seeds import train_seeds


def main(name: str) -> None:
    row, where = stage.run_parameters(name)
    config = TrainingConfig.parse(row, where)
    keep_freed_memory()
    processes.join(config.processes, where, partial(train_seeds, name, config), __file__, name)


if __name__ == "__main__":
    stage.run(main, locks=False)  # `processes.join` does
