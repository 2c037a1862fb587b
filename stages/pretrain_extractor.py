"""pretrain-extractor@<extractor>: a network trained here, frozen into an extractor file."""

import paths
import runner

from gfmn import prepared
from gfmn.extractor_file import save_extractor
from gfmn.pretraining import AutoencoderConfig, train_encoder


def main(name: str) -> None:
    watch = runner.Stopwatch()
    config = AutoencoderConfig.parse(*runner.section("extractors", "trained", name))
    record = train_encoder(config, name, prepared.read(paths.prepared(config.dataset)))
    save_extractor(paths.extractor(name), [record])
    watch.write(paths.timing(f"pretrain-extractor-{name}"), steps=config.steps)
    print(f"{name}: squared error {record.provenance['squared_error']} on {config.dataset}")


if __name__ == "__main__":
    runner.run(main)
