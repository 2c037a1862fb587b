"""prepare@<dataset>: a data set's images as one memory-mapped array, or as several."""

import checkout  # noqa: F401

from gfmn import sources
from gfmn.common import stage
from gfmn.common.paths import prepared, scratch
from gfmn.shards import prepare as shards


def main(name: str) -> None:
    config = sources.parse(*stage.section("datasets", name))
    if isinstance(config, sources.ShardedSource) and config.shards:
        meta = shards.prepare(config, name, prepared(name), scratch())
    else:
        meta = sources.prepare(config, name, prepared(name))
    skipped, labels = meta["skipped"]["count"], "with" if meta["labels"] else "without"
    print(
        f"{name}: {meta['count']} images of {meta['image_size']} px, "
        f"{skipped} skipped, {labels} labels"
    )


if __name__ == "__main__":
    stage.run(main)
