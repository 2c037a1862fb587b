"""prepare@<dataset>: a data set's images as one memory-mapped array."""

import signal
from types import FrameType

import runner
from paths import prepared

from gfmn import datasets
from gfmn.errors import Stopped


def main(name: str) -> None:
    config = datasets.parse(*runner.section("datasets", name))

    def stop(number: int, frame: FrameType | None) -> None:
        # At once, in a download too: what is half done will be done again.
        raise Stopped(f"prepare {name}: stopped by {signal.Signals(number).name}", number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    meta = datasets.prepare(config, name, prepared(name))
    skipped, labels = meta["skipped"]["count"], "with" if meta["labels"] else "without"
    print(
        f"{name}: {meta['count']} images of {meta['image_size']} px, "
        f"{skipped} skipped, {labels} labels"
    )


if __name__ == "__main__":
    runner.run(main)
