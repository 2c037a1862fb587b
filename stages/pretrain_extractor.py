"""pretrain-extractor@<extractor>: a network trained here, frozen into an extractor file."""

import os

import paths
import runner

from gfmn import generators, prepared, pretraining
from gfmn.checkpoints import Checkpoints
from gfmn.devices import keep_freed_memory
from gfmn.extractor_file import save_extractor, summary


def main(name: str) -> None:
    watch = runner.Stopwatch()
    config = pretraining.parse(*runner.section("extractors", "trained", name))
    keep_freed_memory()
    data = prepared.read(paths.prepared(config.dataset))
    task = pretraining.build(config, name, data)
    fingerprint = pretraining.pretraining_fingerprint(config, data)
    checkpoints = Checkpoints(paths.scratch(), f"extractor-{name}", fingerprint, keep=1)
    every = float(os.environ.get("GFMN_CHECKPOINT_SECONDS", "120"))
    history = pretraining.pretrain(task, checkpoints, every)
    result = task.result()
    save_extractor(paths.extractor(name), [result.record])
    generators.save_decoder(result.decoder, paths.decoder(name))
    runner.write_text(paths.pretraining_history(name), history.text())
    runner.write_json(paths.metrics(f"extractor-{name}"), result.metrics)
    watch.write(paths.timing(f"pretrain-extractor-{name}"), steps=task.steps)
    checkpoints.remove()
    found = ", ".join(f"{key} {value}" for key, value in result.metrics.items())
    print(f"{summary(paths.extractor(name))}\n{name}: {found}")


if __name__ == "__main__":
    runner.run(main)
