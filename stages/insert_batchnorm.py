"""insert-batchnorm@<extractor>: a VGG with batch norm from one without, fitted to a data set."""

import checkout  # noqa: F401
import numpy as np

from gfmn.common import paths, stage
from gfmn.common.images import bytes_to_unit
from gfmn.datasets import prepared
from gfmn.networks.batchnorm_insertion import BatchNormInsertion, with_batchnorm
from gfmn.networks.extractor_file import save_extractor, summary


def main(name: str) -> None:
    config = BatchNormInsertion.parse(*stage.section("extractors", "with_batchnorm", name))
    data = prepared.read(paths.prepared(config.dataset))
    count = min(config.count, len(data.images))
    chosen = np.random.default_rng(config.seed).choice(len(data.images), count, replace=False)
    images = bytes_to_unit(data.images[np.sort(chosen)])
    facts = {"dataset": config.dataset, "digest": data.metadata["digest"], "count": count}
    record = with_batchnorm(name, paths.extractor(config.extractor), images, facts)
    save_extractor(paths.extractor(name), [record])
    print(summary(paths.extractor(name)))


if __name__ == "__main__":
    stage.run(main)
