"""train-baseline@<baseline>: a generator for each seed, by another method and from real images."""

import os

import checkout  # noqa: F401

from gfmn import baselines
from gfmn.baselines.seeds import train_baseline
from gfmn.common import paths, runs, stage
from gfmn.common.devices import keep_freed_memory


def main(name: str) -> None:
    row, where = runs.baseline_row(stage.read_params(), name, str(stage.PARAMS))
    config = baselines.parse(row, where)
    keep_freed_memory()
    save_every = float(os.environ.get("GFMN_CHECKPOINT_SECONDS", "300"))
    timing = train_baseline(name, config, save_every)
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
    stage.run(main)
