"""train@<run>: a generator for each seed, from statistics and noise alone."""

import os
from functools import partial

import checkout  # noqa: F401

from gfmn.common import paths, stage
from gfmn.common.devices import keep_freed_memory
from gfmn.runtime import processes
from gfmn.runtime.distributed import World
from gfmn.training.config import SeedsConfig
from gfmn.training.seeds import train_seeds


def main(name: str) -> None:
    row, where = stage.run_parameters(name)
    config = SeedsConfig.parse(row, where)
    keep_freed_memory()
    processes.join(config.processes, where, partial(train, name, config), __file__, name)


def train(name: str, config: SeedsConfig, world: World) -> None:
    save_every = float(os.environ.get("GFMN_CHECKPOINT_SECONDS", "300"))
    timing = train_seeds(name, config, world, save_every)
    if world.is_main:
        seeds = len(config.seeds)
        facts = {
            "seconds": round(timing.seconds, 2),
            "cpus": os.cpu_count(),
            "steps_per_second": round(seeds * config.steps / timing.seconds, 2),
            "seeds": seeds,
            "from_step": timing.from_step,
        }
        stage.write_json(paths.timing(f"train-{name}"), facts)


if __name__ == "__main__":
    stage.run(main, locks=False)  # `processes.join` does
