"""CIFAR-10: read in place or downloaded."""

from pathlib import Path

import pytest
from builders.downloads import (
    CLOSED,
    SMALL,
    make_cifar10,
    prepare,
)


def test_cifar10_in_place_needs_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_cifar10(tmp_path / "root", monkeypatch, CLOSED).unlink()
    data = prepare(tmp_path, source="cifar10")
    assert (data.images == SMALL[:10]).all() and data.metadata["classes"] == list("abcdefghij")
    assert data.labels is not None and data.labels.tolist() == [0, 9, 1, 8, 2, 7, 3, 6, 4, 5]
    assert (prepare(tmp_path, source="cifar10", split="test").images == SMALL[10:]).all()


def test_cifar10_replaces_an_interrupted_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: tuple[str, Path]
) -> None:
    archive = make_cifar10(server[1], monkeypatch, server[0])
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / archive.name).write_bytes(archive.read_bytes()[:100])
    assert (prepare(tmp_path, source="cifar10").images == SMALL[:10]).all()
