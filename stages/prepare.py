"""prepare@<dataset>: a data set's images as one memory-mapped array."""

import signal
from types import FrameType

import checkout  # noqa: F401

from gfmn import sources
from gfmn.common import stage
from gfmn.common.errors import Stopped
from gfmn.common.paths import prepared


def main(name: str) -> None:
    config = sources.parse(*stage.section("datasets", name))

    def stop(number: int, frame: FrameType | None) -> None:
        # At once, in a download too: what is half done will be done again.
        raise Stopped(f"prepare {name}: stopped by {signal.Signals(number).name}", number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    meta = sources.prepare(config, name, prepared(name))
    skipped, labels = meta["skipped"]["count"], "with" if meta["labels"] else "without"
    print(
        f"{name}: {meta['count']} images of {meta['image_size']} px, "
        f"{skipped} skipped, {labels} labels"
    )


if __name__ == "__main__":
    stage.run(main)
