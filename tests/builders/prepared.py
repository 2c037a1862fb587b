"""A prepared data set, written at once."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gfmn.datasets import prepared


def write(
    folder: Path, stream: Iterable[prepared.Chunk], size: int, about: dict[str, Any]
) -> dict[str, Any]:
    with prepared.Writer(folder, size) as writer:
        for images, labels in stream:
            writer.add(images, labels)
        return writer.finish(about)
