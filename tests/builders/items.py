"""Items of a source, and their decoding."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image

from gfmn.sources import decode_pool
from gfmn.sources.base import ImageSource, Item, Items


def jpeg(number: int) -> bytes:
    values = np.random.default_rng(number).integers(0, 256, (11, 14, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(values).save(file, "JPEG")
    return file.getvalue()


def items(count: int, broken: tuple[int, ...] = ()) -> Iterator[Item]:
    for i in range(count):
        yield Item(f"image {i}", b"broken" if i in broken else jpeg(i % 50), i)


class StubSource(ImageSource):
    def open(self, where: str) -> Items:
        raise NotImplementedError


def config(**parameters: Any) -> StubSource:
    return StubSource.parse(
        {"source": "x", "image_size": 8, "workers": 0, **parameters}, "datasets.x"
    )


def run(
    source: Iterator[Item], skipped: decode_pool.Skipped | None = None, **parameters: Any
) -> tuple[np.ndarray, np.ndarray]:
    skipped = skipped or decode_pool.Skipped()
    chunks = list(decode_pool.decoded_chunks(source, config(**parameters), "datasets.x", skipped))
    labels = [labels for _, labels in chunks if labels is not None]
    return np.concatenate([images for images, _ in chunks]), np.concatenate(labels)
