"""A prepared data set, written at once."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gfmn.datasets import prepared


def write(
    folder: Path, chunks: Iterable[prepared.Chunk], size: int, parameters: dict[str, Any]
) -> dict[str, Any]:
    with prepared.Writer(folder, size) as writer:
        for images, labels in chunks:
            writer.add(images, labels)
        return writer.finish(parameters)
