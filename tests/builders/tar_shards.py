"""Tar archives of samples, as WebDataset has them."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from builders.image_sources import png


def tarred(members: Mapping[str, bytes], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def samples(images: np.ndarray, labels: list[int] | None = None) -> dict[str, bytes]:
    """Members of N images: `000003.png`, `000003.json` and, with labels, `000003.cls`."""
    members = {}
    for i, image in enumerate(images):
        members[f"{i:06}.json"] = b"{}"
        members[f"{i:06}.png"] = png(image)
        if labels is not None:
            members[f"{i:06}.cls"] = str(labels[i]).encode()
    return members


def write_tars(folder: Path, images: np.ndarray, labels: list[int] | None, each: int) -> None:
    """`train-000000.tar` and so on, of `each` images."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, start in enumerate(range(0, len(images), each)):
        part = slice(start, start + each)
        members = samples(images[part], labels and labels[part])
        (folder / f"train-{number:06}.tar").write_bytes(tarred(members))
