"""Decoding of a source's images by several processes, in their order and in bounded memory."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from gfmn.common.bounds import COUNT
from gfmn.common.errors import InputError
from gfmn.datasets.prepared import Chunks
from gfmn.sources.base import ImageSource, Item
from gfmn.sources.decode import RawImage, decode

GROUP_ITEMS = 512  # images of a group, at most; a group is what a process decodes at a time
GROUP_BYTES = 8 << 20  # of a group before and after decoding, about
QUEUED = 2  # groups that wait for a process
MAX_NAMES = 1000  # of skipped images that are kept

Decoded = tuple[np.ndarray, list[tuple[int, str]]]


@dataclass
class Skipped:
    """Broken images that were left out: their number, and the first `MAX_NAMES` names."""

    count: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """Count one."""
        self.count += 1
        if self.count <= MAX_NAMES:
            self.names.append(name)


def decoded_chunks(
    items: Iterable[Item],
    config: ImageSource,
    where: str,
    skipped: Skipped,
    advance: Callable[[int], object] = lambda count: None,
    classes: int = COUNT,
) -> Chunks:
    """Decode items into chunks, n x S x S x 3 uint8 and n int64 labels or None, in their order.

    At most `config.workers` + `QUEUED` groups of items are held at a time. Close the iterator (or
    exhaust it) to end the processes. A broken image is an `InputError` that names it or, by
    `config.broken`, added to `skipped`; `advance` is called with the images of each group. A label
    below 0, or not below `classes`, is an `InputError` too.
    """
    for group, (images, broken) in _decoded(_groups(items, config), config, where):
        advance(len(group))
        if broken and config.broken == "fail":
            index, reason = broken[0]
            advice = "set `broken: skip` to leave such images out"
            raise InputError(
                f"{where}: {group[index].name}: expected an image, found: {reason}; {advice}"
            )
        for index, _ in broken:
            skipped.add(group[index].name)
        left_out = {index for index, _ in broken}
        kept = [item for i, item in enumerate(group) if i not in left_out]
        labels = _labels(kept, classes, where)
        if config.flips:
            images = np.stack([images, images[:, :, ::-1]], axis=1).reshape(-1, *images.shape[1:])
            labels = None if labels is None else labels.repeat(2)
        if len(images):
            yield images, labels


def _groups(items: Iterable[Item], config: ImageSource) -> Iterator[list[Item]]:
    group: list[Item] = []
    size, each = 0, 3 * config.image_size**2
    for index, item in enumerate(items):
        group.append(item)
        size += each + _bytes(item.raw)
        last = index + 1 == config.limit
        if last or len(group) == GROUP_ITEMS or size >= GROUP_BYTES:
            yield group
            group, size = [], 0
        if last:
            return
    if group:
        yield group


def _bytes(raw: RawImage) -> int:
    if isinstance(raw, bytes):
        return len(raw)
    if isinstance(raw, np.ndarray):
        return raw.nbytes
    if isinstance(raw, Image.Image):
        return raw.width * raw.height * 4
    return 0  # a path, which a worker opens


def _labels(group: list[Item], classes: int, where: str) -> np.ndarray | None:
    labels = [item.label for item in group if item.label is not None]
    if not labels:
        return None
    if len(labels) != len(group):
        name = next(item.name for item in group if item.label is None)
        raise InputError(f"{where}: {name}: expected a label as the others have, found none")
    for item in group:
        if item.label is not None and not 0 <= item.label < classes:
            expected = f"expected a label from 0 to {classes - 1}"
            raise InputError(f"{where}: {item.name}: {expected}, found {item.label}")
    return np.array(labels, np.int64)


def _ready(group: list[Item], size: int) -> bool:
    shape = (size, size, 3)
    return all(isinstance(item.raw, np.ndarray) and item.raw.shape == shape for item in group)


def _decoded(
    groups: Iterable[list[Item]], config: ImageSource, where: str
) -> Iterator[tuple[list[Item], Decoded]]:
    size, crop = config.image_size, config.crop
    pending: deque[tuple[list[Item], Future[Decoded]]] = deque()
    pool = worker_pool(config.workers) if config.workers > 1 else None
    try:
        for group in groups:
            if len(pending) == config.workers + QUEUED:
                yield _take(pending)
            if _ready(group, size):
                done: Future[Decoded] = Future()
                done.set_result((np.stack([np.asarray(item.raw) for item in group]), []))
            elif pool is None:
                done = Future()
                done.set_result(decode([item.raw for item in group], size, crop))
            else:
                done = pool.submit(decode, [item.raw for item in group], size, crop)
            pending.append((group, done))
        while pending:
            yield _take(pending)
    except BrokenProcessPool:
        raise InputError(
            f"{where}.workers: expected {config.workers} processes that decode, found one killed; "
            "where memory is short, use fewer"
        ) from None
    finally:
        if pool is not None:
            pool.shutdown(cancel_futures=True)


def _take(pending: deque[tuple[list[Item], "Future[Decoded]"]]) -> tuple[list[Item], Decoded]:
    group, done = pending.popleft()
    return group, done.result()


def worker_pool(workers: int) -> ProcessPoolExecutor:
    """Processes that end with this one, whatever ends it."""
    # Not forked: the parent may have threads, of torch or of Arrow.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, context, initializer=_start_worker)


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent decides
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)  # a killed parent tells its workers nothing
