"""pretrain-extractor@<extractor>: an autoencoder or a classifier trained on a data set."""

import os

import checkout  # noqa: F401

from gfmn import generators, pretraining
from gfmn.common import paths, stage
from gfmn.common.devices import keep_freed_memory
from gfmn.datasets import prepared
from gfmn.networks.extractor_file import save_extractor, summary
from gfmn.runtime.checkpoints import Checkpoints


def main(name: str) -> None:
    watch = stage.Stopwatch()
    config = pretraining.parse(*stage.section("extractors", "trained", name))
    keep_freed_memory()
    data = prepared.read(paths.prepared(config.dataset))
    task = config.build(name, data)
    fingerprint = pretraining.pretraining_fingerprint(config, data)
    checkpoints = Checkpoints(paths.scratch(), f"extractor-{name}", fingerprint, keep=1)
    every = float(os.environ.get("GFMN_CHECKPOINT_SECONDS", "120"))
    history = pretraining.pretrain(task, checkpoints, every)
    result = task.result()
    save_extractor(paths.extractor(name), [result.record])
    generators.save_decoder(result.decoder, paths.decoder(name))
    stage.write_text(paths.pretraining_history(name), history.text())
    stage.write_json(paths.metrics(f"extractor-{name}"), result.metrics)
    watch.write(paths.timing(f"pretrain-extractor-{name}"), steps=task.steps)
    checkpoints.remove()
    metrics = ", ".join(f"{key} {value}" for key, value in result.metrics.items())
    print(f"{summary(paths.extractor(name))}\n{name}: {metrics}")


if __name__ == "__main__":
    stage.run(main)
